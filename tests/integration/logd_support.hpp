// SPDX-License-Identifier: MIT
//
// A hearth-logd of a test's own, on a temporary directory that goes with it.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "places.hpp"
#include "supervisor/logd/client.hpp"
#include "supervisor/logd/reader.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::testing_support {

class Folder {
public:
    Folder() {
        std::string pattern = testing::TempDir() + "hearth-logd-XXXXXX";
        path_ = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
        EXPECT_FALSE(path_.empty());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

class TestLog {
public:
    explicit TestLog(std::string directory) : directory_(std::move(directory)) {
        auto client = logd::LogClient::start(HEARTH_BINARY_DIR "/hearth-logd", directory_);
        if (!client) {
            ADD_FAILURE() << client.error().what;
            return;
        }
        client_ = std::make_unique<logd::LogClient>(std::move(*client));
    }
    ~TestLog() {
        if (client_ && client_->pid() > 0) {
            const auto ended = client_->stop();
            EXPECT_TRUE(ended.has_value()) << (ended ? "" : ended.error().what);
        }
    }
    TestLog(const TestLog&) = delete;
    TestLog& operator=(const TestLog&) = delete;

    [[nodiscard]] explicit operator bool() const { return client_ != nullptr; }
    logd::LogClient* operator->() { return client_.get(); }
    std::unique_ptr<logd::LogClient>& client() { return client_; }

    [[nodiscard]] sys::Descriptor open(const std::string& unit, uid_t uid = 0, gid_t gid = 0) {
        auto stream = client_->open_stream({unit, "", "", uid, gid});
        if (!stream) {
            ADD_FAILURE() << stream.error().what;
            return {};
        }
        return std::move(*stream);
    }
    void flush() {
        const Result<void> flushed = client_->flush();
        EXPECT_TRUE(flushed.has_value()) << (flushed ? "" : flushed.error().what);
    }
    /// The texts of a unit's lines, hearth-logd's own ones marked by a leading "!".
    [[nodiscard]] std::vector<std::string> lines(const std::string& unit) const {
        const auto read = logd::read_last(logd::log_path(directory_, unit), 10'000'000);
        EXPECT_TRUE(read.has_value());
        std::vector<std::string> texts;
        for (const std::string& line : read.value_or(std::vector<std::string>())) {
            const logd::LogLine parts = logd::split_line(line);
            texts.push_back(
                (parts.identifier == logd::own_identifier ? "!" : "") + std::string(parts.text));
        }
        return texts;
    }

private:
    std::string directory_;
    std::unique_ptr<logd::LogClient> client_;
};

inline void write(const sys::Descriptor& stream, const std::string& text) {
    const Result<void> written = sys::write_all(stream.number(), text, "the log pipe");
    ASSERT_TRUE(written.has_value()) << written.error().what;
}

/// Lines "0 xxx", "1 xxx" ... of 64 bytes each.
inline std::string numbered_lines(std::size_t first, std::size_t count) {
    std::string text;
    text.reserve(count * 64);
    for (std::size_t i = first; i < first + count; ++i) {
        std::string line = std::to_string(i) + ' ';
        line.resize(63, 'x');
        text += line + '\n';
    }
    return text;
}

}  // namespace hearth::testing_support
