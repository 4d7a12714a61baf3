// SPDX-License-Identifier: MIT
//
// Which file a name stands for when units are enabled: the search along the unit path, links
// followed as systemd's install code does, [Install] with its specifiers replaced. Only
// units/install*.cpp include it.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "units/install.hpp"

namespace hearth::install {

[[nodiscard]] std::string base_name(const std::string& path);
[[nodiscard]] std::string directory_of(const std::string& path);
/// "getty@.service" of "getty@tty1.service"; empty where the name is no instance.
[[nodiscard]] bool is_template(const std::string& name);
[[nodiscard]] bool is_instance(const std::string& name);
/// "b@x.service" of "b@.service" and "x".
[[nodiscard]] std::string instance_of(const std::string& of_template, const std::string& instance);

/// A unit that is worked on.
struct Info {
    enum class Mode : std::uint8_t { Unknown, File, Masked, Alias, Linked };
    std::string name;
    std::string path = {};
    bool auxiliary = false;  ///< only an Also= names it
    Mode mode = Mode::Unknown;
    std::string target = {};  ///< of Alias and Linked
    // [Install]: words as written, specifiers not replaced; default_instance replaced.
    std::vector<std::string> aliases = {}, wanted_by = {}, required_by = {}, upheld_by = {},
                             also = {};
    std::string default_instance = {};
    /// Also= that is no unit name.
    std::vector<std::string> invalid_also = {};

    [[nodiscard]] bool has_rules() const {
        return !aliases.empty() || !wanted_by.empty() || !required_by.empty() || !upheld_by.empty();
    }
};

struct Search {
    bool load = false;           ///< read [Install]
    bool follow_config = false;  ///< links in the directories of enable, too
};
/// Nothing, or why the name stands for no file.
using Trouble = std::optional<FileChange::Kind>;

class Lookup {
public:
    explicit Lookup(const InstallView& view) : view_(view) {}

    [[nodiscard]] const InstallView& view() const { return view_; }
    [[nodiscard]] const InstallEntry* entry(const std::string& path) const;
    [[nodiscard]] const UnitDirectory* directory(const std::string& path) const;
    /// The directory of enable's links.
    [[nodiscard]] std::string config(bool runtime) const;
    [[nodiscard]] bool is_config(const std::string& path) const;
    /// Where a link's text at `path` leads, one step; its directory as it really is.
    [[nodiscard]] std::string resolve(const std::string& path, const std::string& text) const;
    /// Where a path leads in the end, as far as there is something; itself where it is no link.
    [[nodiscard]] std::string followed(std::string path) const;
    [[nodiscard]] std::string real(const std::string& path) const;

    /// Fills `info` from what the name, or else its template, finds first.
    [[nodiscard]] Trouble search(Info& info, Search how) const;
    /// Reads what stands at `info.path`.
    [[nodiscard]] Trouble load(Info& info, Search how) const;
    /// The words with their specifiers replaced, for that unit.
    [[nodiscard]] Result<std::string, FileChange> expanded(
        const Info& info, const std::string& text) const;

private:
    void read_rules(Info& info, const std::string& path) const;
    void read_drop_ins(Info& info) const;
    void apply(Info& info, const InstallLine& line) const;

    const InstallView& view_;
};

/// The units that a verb works on: first come, first served; each is processed once.
class Units {
public:
    explicit Units(const Lookup& lookup) : lookup_(lookup) {}

    /// A name, or an absolute path; null where it is no unit's.
    Info* add(const std::string& name_or_path, bool auxiliary);
    /// Follows aliases from `start`, adding what they lead to, to the file.
    [[nodiscard]] Trouble traverse(Info& start, Search how, Info** end = nullptr);
    [[nodiscard]] bool contains(const std::string& name) const;
    /// The next one that was not processed yet; null: that was all.
    [[nodiscard]] Info* next();

private:
    [[nodiscard]] Trouble step(Info*& at, Search how);
    void add_also(const Info& info);

    const Lookup& lookup_;
    std::deque<Info> units_;  // stays in place when it grows
    std::size_t processed_ = 0;
};

}  // namespace hearth::install
