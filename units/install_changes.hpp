// SPDX-License-Identifier: MIT
//
// The links that a plan makes and removes, and the directories as they stand after them: a verb
// sees what it has done itself. Only units/install.cpp includes it.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "units/install_lookup.hpp"

namespace hearth::install {

/// What a step came to: how many links it stands for, made or found, or that it failed.
struct Count {
    unsigned links = 0;
    bool failed = false;

    void add(Count other) {
        links += other.links;
        failed = failed || other.failed;
    }
};

class Changes {
public:
    explicit Changes(InstallView view) : view_(std::move(view)), lookup_(view_) {}
    Changes(const Changes&) = delete;
    Changes& operator=(const Changes&) = delete;
    ~Changes() = default;

protected:
    void tell(FileChange::Kind kind, std::string path, std::string source = {});
    Count fail(FileChange::Kind kind, std::string path, std::string source = {});
    Count fail(FileChange change);
    void settle(Count count) { plan_.failed = plan_.failed || count.failed; }

    /// A link that is there already counts as made; another one is replaced by `force` only, a file
    /// never.
    Count make_link(const std::string& path, const std::string& target, bool force);
    void remove(const std::string& path);
    /// Removes all links that have a marked name or lead to a marked name or path; a link that went
    /// is marked itself, so it goes on until nothing more is found.
    void remove_marked(std::set<std::string> marked, const std::string& directory);

    /// As it stands after the changes so far.
    [[nodiscard]] const InstallView& view() const { return view_; }
    [[nodiscard]] const Lookup& lookup() const { return lookup_; }
    [[nodiscard]] InstallPlan& plan() { return plan_; }

private:
    [[nodiscard]] bool same_place(
        const std::string& path, const std::string& left, const std::string& right) const;
    [[nodiscard]] std::vector<std::string> links_below(const std::string& directory) const;

    InstallView view_;
    Lookup lookup_;
    InstallPlan plan_;
};

}  // namespace hearth::install
