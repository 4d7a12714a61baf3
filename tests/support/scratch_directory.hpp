// SPDX-License-Identifier: MIT
//
// A directory of the test's own below the temporary directory, removed with all in it at the end.
// Paths given are relative to it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace hearth::testing_support {

class ScratchDirectory {
public:
    ScratchDirectory() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "hearth-scratch-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
        EXPECT_FALSE(path_.empty());
    }
    ~ScratchDirectory() {
        std::error_code ignored;
        if (!path_.empty()) {
            std::filesystem::remove_all(path_, ignored);
        }
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string path(const std::string& below) const { return path_ + "/" + below; }

    void directory(const std::string& below) const {
        std::filesystem::create_directories(path(below));
    }
    void file(const std::string& below, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(path(below)).parent_path());
        std::ofstream(path(below), std::ios::trunc) << text;
    }
    void link(const std::string& target, const std::string& below) const {
        std::filesystem::create_directories(std::filesystem::path(path(below)).parent_path());
        std::filesystem::create_symlink(target, path(below));
    }
    void remove(const std::string& below) const { std::filesystem::remove_all(path(below)); }

private:
    std::string path_;
};

}  // namespace hearth::testing_support
