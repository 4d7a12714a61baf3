// SPDX-License-Identifier: MIT
#include "units/install_lookup.hpp"

#include <algorithm>
#include <utility>

#include "parser/words.hpp"
#include "units/unit_name.hpp"

namespace hearth::install {

namespace {

constexpr int most_links = 64;

/// "/a/b" of "/a/./x/../b//".
std::string normal(const std::string& path) {
    std::vector<std::string_view> parts;
    std::size_t at = 0;
    while (at < path.size()) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part = std::string_view(path).substr(at, end - at);
        at = end + 1;
        if (part == ".." && !parts.empty()) {
            parts.pop_back();
        } else if (!part.empty() && part != "." && part != "..") {
            parts.push_back(part);
        }
    }
    std::string text;
    for (const std::string_view part : parts) {
        text += "/";
        text += part;
    }
    return text.empty() ? "/" : text;
}

/// The letters of systemd.unit(5) that [Install] knows.
SpecifierTable install_specifiers(
    const std::string& name, const LoadContext& context, const std::string& path) {
    const SpecifierTable all = specifiers(name, context, path);
    SpecifierTable table;
    for (const char letter : std::string_view("aAbBgGHijlmMnNopuUvwW")) {
        if (const auto value = all.value_of(letter)) {
            table.set(letter, std::string(*value));
        } else if (const auto reason = all.reason_of(letter)) {
            table.set_unavailable(letter, std::string(*reason));
        }
    }
    return table;
}

bool has_alias(UnitType type) {
    switch (type) {
        case UnitType::Mount:
        case UnitType::Slice:
        case UnitType::Swap:
        case UnitType::Automount:
            return false;
        default:
            return true;
    }
}

}  // namespace

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}
std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}
bool is_template(const std::string& name) {
    const auto parsed = parse_unit_name(name);
    return parsed && parsed->is_template();
}
bool is_instance(const std::string& name) {
    const auto parsed = parse_unit_name(name);
    return parsed && parsed->is_instance();
}
std::string instance_of(const std::string& of_template, const std::string& instance) {
    auto parsed = parse_unit_name(of_template);
    if (!parsed) {
        return of_template;
    }
    parsed->instance = instance;
    return parsed->full();
}

const InstallEntry* Lookup::entry(const std::string& path) const {
    auto found = view_.entries.find(path);
    if (found == view_.entries.end()) {
        found = view_.entries.find(real(path));
    }
    return found == view_.entries.end() ? nullptr : &found->second;
}

const UnitDirectory* Lookup::directory(const std::string& path) const {
    const auto found = std::ranges::find_if(view_.directories, [&](const UnitDirectory& each) {
        return each.path == path || real(each.path + "/x") == path + "/x";
    });
    return found == view_.directories.end() ? nullptr : &*found;
}

std::string Lookup::config(bool runtime) const {
    for (const UnitDirectory& each : view_.directories) {
        if (each.role == UnitDirectory::Role::Config && each.runtime == runtime) {
            return each.path;
        }
    }
    return {};
}

bool Lookup::is_config(const std::string& path) const {
    const UnitDirectory* const found = directory(directory_of(path));
    return found != nullptr && found->role == UnitDirectory::Role::Config;
}

std::string Lookup::real(const std::string& path) const {
    const auto found = view_.real_directories.find(directory_of(path));
    return found == view_.real_directories.end() ? path : found->second + "/" + base_name(path);
}

std::string Lookup::resolve(const std::string& path, const std::string& text) const {
    return real(normal(text.starts_with('/') ? text : directory_of(path) + "/" + text));
}

std::string Lookup::followed(std::string path) const {
    for (int links = 0; links < most_links; ++links) {
        const InstallEntry* const found = entry(path);
        if (found == nullptr || found->kind != InstallEntry::Kind::Link) {
            break;
        }
        path = resolve(path, found->target);
    }
    return path;
}

Trouble Lookup::load(Info& info, Search how) const {
    const InstallEntry* const found = entry(info.path);
    if (found == nullptr) {
        return FileChange::Kind::NotFound;
    }
    switch (found->kind) {
        case InstallEntry::Kind::Directory:
            return FileChange::Kind::NotFound;
        case InstallEntry::Kind::Null:
            info.mode = Info::Mode::Masked;
            return {};
        case InstallEntry::Kind::File:
            info.mode = Info::Mode::File;
            if (how.load) {
                read_rules(info, info.path);
            }
            return {};
        case InstallEntry::Kind::Link:
            break;
    }
    info.target = resolve(info.path, found->target);
    const std::string end = followed(info.path);
    const InstallEntry* const last = entry(end);
    if (end == "/dev/null" || (last != nullptr && last->kind == InstallEntry::Kind::Null)) {
        info.mode = Info::Mode::Masked;
    } else if (directory(directory_of(info.target)) == nullptr) {
        info.mode = Info::Mode::Linked;
    } else if (unit_type(info.target) != unit_type(info.path)) {
        return FileChange::Kind::CannotAlias;
    } else {
        info.mode = Info::Mode::Alias;
    }
    return {};
}

Trouble Lookup::search(Info& info, Search how) const {
    if (info.mode != Info::Mode::Unknown) {
        return {};
    }
    if (!info.path.empty()) {
        return load(info, how);
    }
    for (const std::string& candidate : {info.name, template_of(info.name)}) {
        for (const UnitDirectory& each : view_.directories) {
            info.path = each.path + "/" + candidate;
            const InstallEntry* const found = candidate.empty() ? nullptr : entry(info.path);
            if (found == nullptr || found->kind == InstallEntry::Kind::Directory) {
                continue;
            }
            const Trouble trouble = load(info, how);
            if (!trouble && how.load) {
                read_drop_ins(info);
            }
            return trouble;
        }
    }
    info.path.clear();
    return FileChange::Kind::NotFound;
}

void Lookup::read_rules(Info& info, const std::string& path) const {
    auto lines = view_.install.find(path);
    if (lines == view_.install.end()) {
        lines = view_.install.find(real(path));
    }
    if (lines != view_.install.end()) {
        for (const InstallLine& line : lines->second) {
            apply(info, line);
        }
    }
}

/// NAME.d/ and TEMPLATE@.d/ of all directories, by file name; of one file name the first counts.
void Lookup::read_drop_ins(Info& info) const {
    std::map<std::string, std::string> chosen;
    for (const std::string& name : {info.name, template_of(info.name)}) {
        for (const UnitDirectory& each : view_.directories) {
            const std::string folder = each.path + "/" + name + ".d/";
            for (auto at = view_.entries.lower_bound(folder);
                 !name.empty() && at != view_.entries.end() && at->first.starts_with(folder);
                 ++at) {
                if (at->first.ends_with(".conf")) {
                    chosen.try_emplace(base_name(at->first), at->first);
                }
            }
        }
    }
    for (const auto& [file, path] : chosen) {
        read_rules(info, path);
    }
}

void Lookup::apply(Info& info, const InstallLine& line) const {
    const auto words = split_words(line.value, Escapes::Keep);
    if (!words) {
        return;
    }
    if (line.key == "DefaultInstance") {
        if (is_template(base_name(info.path)) && !is_instance(info.name)) {
            info.default_instance = expanded(info, line.value).value_or("");
        }
        return;
    }
    if (line.key == "Also") {
        for (const Word& word : *words) {
            const auto other = expanded(info, word.text);
            const bool valid = other && is_valid_unit_name(*other);
            (valid ? info.also : info.invalid_also).push_back(valid ? *other : word.text);
        }
        return;
    }
    const std::pair<std::string_view, std::vector<std::string>*> lists[] = {
        {"Alias", &info.aliases},
        {"WantedBy", &info.wanted_by},
        {"RequiredBy", &info.required_by},
        {"UpheldBy", &info.upheld_by}};
    for (const auto& [key, list] : lists) {
        if (line.key != key || (key == "Alias" && !has_alias(unit_type(info.name)))) {
            continue;
        }
        if (words->empty()) {
            list->clear();
        }
        for (const Word& word : *words) {
            list->push_back(word.text);
        }
    }
}

Result<std::string, FileChange> Lookup::expanded(const Info& info, const std::string& text) const {
    const std::string name = is_template(info.name) && !info.default_instance.empty()
                                 ? instance_of(info.name, info.default_instance)
                                 : info.name;
    const SpecifierTable table = install_specifiers(name, view_.context, info.path);
    auto result = expand(text, table);
    if (result) {
        return std::move(*result);
    }
    const std::size_t letter = result.error().offset + 1;
    const bool known = letter < text.size() && table.reason_of(text[letter]).has_value();
    return Unexpected(FileChange{
        known ? FileChange::Kind::UnresolvedSpecifier : FileChange::Kind::InvalidSpecifier, text});
}

Info* Units::add(const std::string& name_or_path, bool auxiliary) {
    const std::string name = base_name(name_or_path);
    const bool path = name_or_path.starts_with('/');
    if (!is_valid_unit_name(name) || (!path && name != name_or_path)) {
        return nullptr;
    }
    const auto found = std::ranges::find(units_, name, &Info::name);
    if (found != units_.end()) {
        found->auxiliary = found->auxiliary && auxiliary;
        return &*found;
    }
    Info& made = units_.emplace_back();
    made.name = name;
    made.path = path ? name_or_path : std::string();
    made.auxiliary = auxiliary;
    return &made;
}

bool Units::contains(const std::string& name) const {
    return std::ranges::find(units_, name, &Info::name) != units_.end();
}

Info* Units::next() {
    return processed_ < units_.size() ? &units_[processed_++] : nullptr;
}

void Units::add_also(const Info& info) {
    for (const std::string& other : info.also) {
        (void)add(other, true);
    }
}

/// One link further. A link within the unit path is followed by name, so that the name's own rules
/// of precedence count; one that leads out of it by path.
Trouble Units::step(Info*& at, Search how) {
    std::string next = base_name(at->target);
    if (is_instance(at->name) && is_template(next)) {
        next = instance_of(next, parse_unit_name(at->name)->instance.value_or(""));
    }
    if (at->mode == Info::Mode::Linked || next == at->name) {
        at->path = std::exchange(at->target, {});
        at->mode = Info::Mode::Unknown;
        return lookup_.load(*at, how);
    }
    at = add(next, false);
    if (at == nullptr) {
        return FileChange::Kind::CannotAlias;
    }
    const Trouble trouble = lookup_.search(*at, how);
    return trouble == FileChange::Kind::NotFound ? FileChange::Kind::Severed : trouble;
}

Trouble Units::traverse(Info& start, Search how, Info** end) {
    Info* at = &start;
    Trouble trouble = lookup_.search(start, how);
    for (int links = 0; !trouble; ++links) {
        if (at->mode != Info::Mode::Alias && at->mode != Info::Mode::Linked) {
            break;
        }
        if (links == most_links || (!how.follow_config && lookup_.is_config(at->path))) {
            return FileChange::Kind::Linked;
        }
        trouble = step(at, how);
    }
    if (!trouble) {
        add_also(*at);
    }
    if (end != nullptr) {
        *end = at;
    }
    return trouble;
}

}  // namespace hearth::install
