// SPDX-License-Identifier: MIT
//
// edit: a unit's drop-in, or with --full its file, in an editor; systemctl(1)'s verb. What comes
// back is loaded as hearthd would load it before it takes its place: what can't be started as
// written is not installed (but with --force), and the text is kept beside for another try.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "parser/words.hpp"
#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/given_file.hpp"
#include "supervisor/ctl/outcome.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/unit_files/install_files.hpp"
#include "units/loader.hpp"

namespace hearth::ctl {

namespace {

constexpr std::string_view discarded_below = "### Lines below this comment will be discarded";
constexpr std::string_view kept_above =
    "### Anything between here and the comment below will become the new contents of the file";

/// One unit's file as it is, and the one to write.
struct Edited {
    std::string unit, fragment, target;
    std::vector<std::string> drop_ins;
    std::string offered;  ///< what the editor shows
    std::string text;     ///< what it left
};

/// The unit's files as they would be.
class Proposed final : public UnitSource {
public:
    explicit Proposed(const Edited& edited) : edited_(edited) {}
    [[nodiscard]] Result<std::optional<File>> fragment(const std::string&) const override {
        if (edited_.target.ends_with("/" + edited_.unit)) {
            return std::optional(File{edited_.target, edited_.text, false});
        }
        return file(edited_.fragment);
    }
    [[nodiscard]] Result<std::vector<File>> drop_ins(const std::string&) const override {
        std::vector<File> files;
        for (const std::string& path : edited_.drop_ins) {
            if (path != edited_.target) {
                const auto read = HEARTH_TRY(file(path));
                if (read) {
                    files.push_back(*read);
                }
            }
        }
        if (edited_.target.ends_with(".conf")) {
            files.push_back({edited_.target, edited_.text, false});
        }
        return files;
    }

private:
    [[nodiscard]] static Result<std::optional<File>> file(const std::string& path) {
        if (path.empty()) {
            return std::optional<File>();
        }
        std::string text = HEARTH_TRY(sys::read_file(path, largest_unit_file));
        return std::optional(File{path, std::move(text), false});
    }
    const Edited& edited_;
};

/// Where edit writes: what enable writes below, or with --runtime what is gone after a boot.
std::optional<std::string> directory_for(Client& client, const Arguments& arguments) {
    std::vector<std::string> path;
    const auto value =
        client.property(manager_path, "org.freedesktop.systemd1.Manager", "UnitPath");
    for (const Value& each : value ? value->members : std::vector<Value>()) {
        path.push_back(each.text);
    }
    for (const UnitDirectory& each : unit_directories(path, arguments.runtime_directory)) {
        if (each.role == UnitDirectory::Role::Config && each.runtime == arguments.runtime) {
            return each.path;
        }
    }
    complain("hearthd's unit path has no directory to write to");
    return std::nullopt;
}

std::string commented(const std::string& path, const std::string& text) {
    std::string lines = "\n### " + path + "\n";
    std::size_t begin = 0;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        lines += "# " + text.substr(begin, end - begin) + "\n";
        begin = end + 1;
    }
    return lines;
}

/// The text to change, between two comments; below them all files of the unit as they are.
void offer(Edited& edited) {
    const std::string own =
        sys::read_file(edited.target, largest_unit_file).value_or(std::string());
    edited.offered = fmt::format(
        "### Editing {}\n{}\n\n{}\n\n{}\n", edited.target, kept_above, own, discarded_below);
    std::vector<std::string> others = edited.drop_ins;
    others.insert(others.begin(), edited.fragment);
    for (const std::string& path : others) {
        if (!path.empty() && path != edited.target) {
            edited.offered +=
                commented(path, sys::read_file(path, largest_unit_file).value_or(std::string()));
        }
    }
}

/// What stands between the two comments, without empty lines around it.
std::string kept(const std::string& text) {
    const std::size_t head = text.find(kept_above);
    const std::size_t begin = head == std::string::npos ? 0 : text.find('\n', head);
    const std::size_t end = text.find(discarded_below);
    const std::string middle =
        begin == std::string::npos || begin > end
            ? std::string()
            : text.substr(begin, end == std::string::npos ? end : end - begin);
    const std::size_t first = middle.find_first_not_of(" \t\n");
    if (first == std::string::npos) {
        return {};
    }
    return middle.substr(first, middle.find_last_not_of(" \t\n") - first + 1) + "\n";
}

std::optional<Edited> look_at(
    Client& client, const Arguments& arguments, const std::string& unit, const std::string& in) {
    Edited edited;
    edited.unit = unit;
    edited.fragment = unit_property(client, unit, unit_interface, "FragmentPath");
    const auto drop_ins = client.property(object_path(unit), unit_interface, "DropInPaths");
    for (const Value& each : drop_ins ? drop_ins->members : std::vector<Value>()) {
        edited.drop_ins.push_back(each.text);
    }
    if (edited.fragment.empty() && edited.drop_ins.empty() && !arguments.force) {
        complain(
            "No files found for " + unit + ".\nRun 'hearthctl edit --force --full " + unit +
            "' to create a new unit.");
        return std::nullopt;
    }
    std::string drop_in = arguments.drop_in;
    drop_in += drop_in.ends_with(".conf") ? "" : ".conf";
    if (drop_in == ".conf" || drop_in.find('/') != std::string::npos) {
        complain("--drop-in=" + arguments.drop_in + ": expected a file's name, without '/'");
        return std::nullopt;
    }
    edited.target = in + "/" + unit + (arguments.full ? "" : ".d/" + drop_in);
    if (arguments.full) {  // a copy of the file there is, wherever that stands
        const std::string from = sys::stat(edited.target) ? edited.target : edited.fragment;
        edited.offered =
            from.empty() ? std::string() : sys::read_file(from, largest_unit_file).value_or("");
        edited.drop_ins.clear();
    } else {
        offer(edited);
    }
    return edited;
}

std::vector<std::string> editors() {
    for (const char* const variable : {"SYSTEMD_EDITOR", "EDITOR", "VISUAL"}) {
        const char* const value = std::getenv(variable);
        if (value != nullptr && *value != '\0') {
            return {value};
        }
    }
    return {"editor", "nano", "vim", "vi"};
}

/// Runs the first editor there is on the file; whether it ended well. Complains.
bool run_editor(const std::string& path) {
    const pid_t child = ::fork();
    if (child == 0) {
        for (const std::string& editor : editors()) {
            const auto split = split_words(editor);
            std::vector<std::string> words;
            for (const Word& word : split ? *split : std::vector<Word>{{editor}}) {
                words.push_back(word.text);
            }
            words.push_back(path);
            std::vector<char*> argv;
            for (std::string& word : words) {
                argv.push_back(word.data());
            }
            argv.push_back(nullptr);
            ::execvp(argv[0], argv.data());
        }
        complain("Cannot edit: no editor found; set $SYSTEMD_EDITOR, $EDITOR or $VISUAL");
        ::_exit(EXIT_FAILURE);
    }
    if (!ended_well(child)) {
        complain("The editor did not end well; nothing was changed.");
        return false;
    }
    return true;
}

Result<void> write_text(const std::string& path, const std::string& text) {
    const auto file = HEARTH_TRY(sys::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644));
    return sys::write_all(file.number(), text, path);
}

/// Lets the user change the text in a file beside the target; what is left there. Complains.
std::optional<std::string> edit_in(const std::string& draft, const std::string& offered) {
    if (const auto written = write_text(draft, offered); !written) {
        complain(written.error().what);
        return std::nullopt;
    }
    if (!run_editor(draft)) {
        (void)sys::unlink(draft);
        return std::nullopt;
    }
    auto text = sys::read_file(draft, largest_unit_file);
    if (!text) {
        complain(text.error().what);
        return std::nullopt;
    }
    return std::move(*text);
}

/// Whether it loads; complains of everything found.
bool loads(const Edited& edited) {
    const Unit unit = load_unit(edited.unit, Proposed(edited), LoadContext{});
    Diagnostics found = unit.diagnostics;
    for (const Diagnostic& each : unit.refusals) {
        if (std::ranges::find(found, each) == found.end()) {
            found.push_back(each);
        }
    }
    bool good = unit.refusals.empty();
    for (const Diagnostic& each : found) {
        if (each.severity != Severity::Note) {
            complain(with_caret(each));
        }
        good = good && each.severity != Severity::Error;
    }
    return good;
}

/// 0 where the file was changed or nothing had to be.
int edit_one(const Arguments& arguments, Edited& edited, const std::optional<std::string>& given) {
    const std::string folder = edited.target.substr(0, edited.target.rfind('/'));
    if (const auto made = sys::make_directories(folder, 0755); !made) {
        return complain(made.error().what);
    }
    const std::string draft =
        folder + "/.#" + edited.target.substr(folder.size() + 1) + "." + std::to_string(::getpid());
    const auto text = given ? given : edit_in(draft, edited.offered);
    if (!text) {
        (void)sys::rmdir(folder);
        return Failure;
    }
    edited.text = given || arguments.full ? *text : kept(*text);
    if (edited.text.find_first_not_of(" \t\n") == std::string::npos) {
        (void)sys::unlink(draft);
        (void)sys::rmdir(folder);  // where it was made for this
        complain("Editing \"" + edited.target + "\" canceled: temporary file is empty.");
        return Done;
    }
    if (const auto written = write_text(draft, edited.text); !written) {
        return complain(written.error().what);
    }
    if (!loads(edited) && !arguments.force) {
        return complain(
            edited.unit + " could not be started as written: nothing was changed. The text is in " +
            draft + "; --force installs it all the same.");
    }
    if (::rename(draft.c_str(), edited.target.c_str()) != 0) {
        return complain("Failed to rename " + draft + ": " + std::strerror(errno));
    }
    note("changes", {{"type", "file"}, {"unit", edited.unit}, {"path", edited.target}});
    complain("Successfully installed edited file '" + edited.target + "'.");
    return Done;
}

}  // namespace

int edit_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    const auto directory = units ? directory_for(*client, arguments) : std::nullopt;
    if (!directory) {
        return Failure;
    }
    std::optional<std::string> given;
    if (arguments.from_input) {
        auto text = sys::read_all(STDIN_FILENO, largest_unit_file, "standard input");
        if (!text) {
            return complain(text.error().what);
        }
        given = std::move(*text);
    }
    std::vector<Edited> all;
    for (const std::string& unit : *units) {
        auto edited = look_at(*client, arguments, unit, *directory);
        if (!edited) {
            return Failure;
        }
        all.push_back(std::move(*edited));
    }
    int worst = Done;
    for (Edited& edited : all) {
        worst = std::max(worst, edit_one(arguments, edited, given));
    }
    if (arguments.no_reload) {
        return worst;
    }
    const auto reloaded = client->manager("Reload", "");
    return reloaded ? worst : complain("Failed to reload: " + reloaded.error().message);
}

}  // namespace hearth::ctl
