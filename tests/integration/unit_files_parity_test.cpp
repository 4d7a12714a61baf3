// SPDX-License-Identifier: MIT
//
// hearthctl --root= beside the stock systemctl --root=: two trees with the same unit files, the
// same verbs on both, and after each verb the same links, words and exit statuses.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"
#include "tests/support/scratch_directory.hpp"
#include "tests/support/stock_client.hpp"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;
using testing::Output;
using testing::run_program;
using testing_support::ScratchDirectory;

/// A tree that either program works on.
class Tree {
public:
    Tree(std::string root, std::vector<std::string> program)
        : root_(std::move(root)), program_(std::move(program)) {}

    [[nodiscard]] const std::string& root() const { return root_; }
    void file(const std::string& path, const std::string& text) const {
        fs::create_directories(fs::path(root_ + path).parent_path());
        std::ofstream(root_ + path, std::ios::binary) << text;
    }
    void link(const std::string& path, const std::string& target) const {
        fs::create_directories(fs::path(root_ + path).parent_path());
        fs::create_symlink(target, root_ + path);
    }
    /// "PATH -> TARGET" of each link and "PATH" of each other thing, sorted.
    [[nodiscard]] std::string listing() const {
        std::vector<std::string> lines;
        for (const auto& each : fs::recursive_directory_iterator(root_)) {
            std::string line = each.path().string().substr(root_.size());
            if (each.is_symlink()) {
                line += " -> " + fs::read_symlink(each.path()).string();
            }
            lines.push_back(std::move(line));
        }
        return joined(std::move(lines));
    }
    /// Exit status and words. The order of changes is that of readdir(3) for systemctl.
    [[nodiscard]] std::string run(const std::vector<std::string>& words) const {
        std::vector<std::string> argv = program_;
        argv.push_back(words.front());
        argv.push_back("--root=" + root_);
        argv.insert(argv.end(), words.begin() + 1, words.end());
        const Output output = run_program(argv, {"SYSTEMD_COLORS=0", "LC_ALL=C.UTF-8"});
        std::vector<std::string> said;
        std::istringstream text(output.err + output.out);
        for (std::string line; std::getline(text, line);) {
            if (line.starts_with("The unit files have no installation config")) {
                said.emplace_back("NO INSTALL SECTION");
                break;  // the same said in other words
            }
            for (std::size_t at = line.find(root_); at != std::string::npos;
                 at = line.find(root_)) {
                line.replace(at, root_.size(), "ROOT");
            }
            said.push_back(single_spaced(line));
        }
        return std::to_string(output.status) + "\n" + joined(std::move(said));
    }

private:
    static std::string joined(std::vector<std::string> lines) {
        std::ranges::sort(lines);
        std::string text;
        for (const std::string& line : lines) {
            text += line + "\n";
        }
        return text;
    }
    /// Columns are as wide as each program makes them.
    static std::string single_spaced(const std::string& line) {
        std::istringstream words(line);
        std::string text;
        for (std::string word; words >> word;) {
            text += (text.empty() ? "" : " ") + word;
        }
        return text;
    }

    std::string root_;
    std::vector<std::string> program_;
};

constexpr const char* service = "[Service]\nExecStart=/bin/true\n";

std::string installed(const std::string& lines) {
    return std::string(service) + "[Install]\n" + lines;
}

void vendor_units(const Tree& tree) {
    const std::string vendor = "/usr/lib/systemd/system/";
    tree.link("/lib", "usr/lib");
    fs::create_directories(tree.root() + "/etc/systemd/system");
    tree.file(vendor + "multi-user.target", "[Unit]\nDescription=m\n");
    tree.file(vendor + "g.target", "[Unit]\nAllowIsolate=yes\n");
    tree.link(vendor + "default.target", "multi-user.target");
    tree.file(
        vendor + "a.service",
        installed("WantedBy=multi-user.target\nRequiredBy=x.target\nAlias=aa.service\n"
                  "Also=b.service\n"));
    tree.file(vendor + "b.service", installed("WantedBy=multi-user.target\n"));
    tree.file(vendor + "s.service", service);
    tree.link(vendor + "vs.service", "s.service");
    tree.file(vendor + "c.service", installed("WantedBy=multi-user.target\nAlias=aa.service\n"));
    tree.file(
        vendor + "legacy.service", installed("Alias=multi-user.target.wants/legacy.service\n"));
    tree.file(vendor + "badlegacy.service", installed("Alias=nowhere/badlegacy.service\n"));
    tree.file(vendor + "type.service", installed("Alias=t.socket\nWantedBy=multi-user.target\n"));
    tree.file(vendor + "self.service", installed("Alias=self.service\n"));
    tree.file(
        vendor + "spec.service",
        installed("Alias=al-%N.service %p-x.service\nWantedBy=%n.target bad%Z.target g.target\n"));
    tree.file(vendor + "percent.service", installed("WantedBy=bad%Z.target g.target\n"));
    tree.file(vendor + "names.service", installed("WantedBy=g.target bad name/x.target zz\n"));
    tree.file(vendor + "quoted.service", installed("WantedBy=\"g.target\" 'multi-user.target'\n"));
    tree.file(
        vendor + "reset.service",
        installed("WantedBy=multi-user.target\nWantedBy=\nWantedBy=g.target\n"));
    tree.file(vendor + "also1.service", installed("Also=nosuch.service b.service\n"));
    tree.file(
        vendor + "also2.service", installed("Also=also2.socket\nWantedBy=multi-user.target\n"));
    tree.file(vendor + "also2.socket", "[Socket]\nListenStream=/x\n[Install]\nWantedBy=g.target\n");
    tree.file(vendor + "alsomask.service", installed("Also=empty.service\nWantedBy=g.target\n"));
    tree.file(
        vendor + "t@.service", installed("WantedBy=t-%i.target u@.target\nAlias=tt@.service\n"));
    tree.file(vendor + "plain@.service", installed("WantedBy=multi-user.target\n"));
    tree.file(
        vendor + "d@.service",
        installed(
            "WantedBy=multi-user.target %p-%i.target\nDefaultInstance=one\nAlias=dd.service\n"));
    tree.file(vendor + "e@.service", installed("WantedBy=g.target\nDefaultInstance=main\n"));
    tree.file(vendor + "drop.service", service);
    tree.file(vendor + "drop.service.d/x.conf", "[Install]\nWantedBy=multi-user.target\n");
    tree.file(vendor + "empty.service", "");
    tree.link(vendor + "devnull.service", "/dev/null");
    tree.file("/run/systemd/transient/tr.service", installed("WantedBy=multi-user.target\n"));
    tree.file("/run/systemd/generator/gen.service", installed("WantedBy=multi-user.target\n"));
    tree.file("/ext/l.service", installed("WantedBy=multi-user.target\n"));
    tree.file("/ext/l2.service", service);
    tree.file("/ext/lt@.service", installed("WantedBy=multi-user.target\n"));
    tree.link("/etc/systemd/system/gone.service", "/ext/none.service");
    tree.file("/etc/systemd/system/own.service", installed("WantedBy=multi-user.target\n"));
    tree.file(vendor + "over.service", installed("WantedBy=multi-user.target\n"));
    tree.file("/etc/systemd/system/over.service", installed("WantedBy=g.target\n"));
    tree.file("/etc/systemd/system/over.service.d/o.conf", "[Unit]\n");
    tree.file("/run/systemd/system/over.service.d/r.conf", "[Unit]\n");
    tree.file("/etc/systemd/system.control/over.service.d/c.conf", "[Unit]\n");
}

class UnitFilesParity : public ::testing::Test {
protected:
    void SetUp() override {
        if (stock_systemctl().empty()) {
            GTEST_SKIP() << "no systemctl on this machine";
        }
        vendor_units(theirs_);
        vendor_units(ours_);
    }
    void both(const std::vector<std::string>& words) {
        std::string command;
        for (const std::string& word : words) {
            command += word + " ";
        }
        EXPECT_EQ(ours_.run(words), theirs_.run(words)) << command;
        EXPECT_EQ(differences(ours_.listing(), theirs_.listing()), "") << "after " << command;
    }
    /// "< LINE" for what only ours has, "> LINE" for what only theirs has.
    static std::string differences(const std::string& ours, const std::string& theirs) {
        const auto lines = [](const std::string& text) {
            std::set<std::string> all;
            std::istringstream stream(text);
            for (std::string line; std::getline(stream, line);) {
                all.insert(line);
            }
            return all;
        };
        std::string text;
        const auto tell = [&text](const char* mark, const auto& these, const auto& those) {
            for (const std::string& line : these) {
                text += those.contains(line) ? "" : mark + line + "\n";
            }
        };
        tell("< ", lines(ours), lines(theirs));
        tell("> ", lines(theirs), lines(ours));
        return text;
    }
    void states() { both({"list-unit-files"}); }
    void on_both(const std::function<void(const Tree&)>& change) const {
        change(ours_);
        change(theirs_);
    }

    ScratchDirectory scratch_;
    Tree theirs_{scratch_.path() + "/theirs", {stock_systemctl()}};
    Tree ours_{scratch_.path() + "/ours", {HEARTH_BINARY_DIR "/hearthctl"}};
};

TEST_F(UnitFilesParity, EnableAndDisable) {
    states();
    both({"enable", "a"});
    both({"is-enabled", "a", "aa", "b", "s", "vs", "t@.service", "default.target"});
    both({"is-enabled", "nosuch"});
    both({"enable", "a"});
    both({"enable", "c"});
    both({"enable", "--force", "c"});
    both({"is-enabled", "a", "c", "aa"});
    both({"enable", "aa"});
    both({"enable", "vs"});
    both({"reenable", "b"});
    both({"reenable", "a", "b"});
    states();
    both({"disable", "a"});
    both({"disable", "c", "b"});
    both({"enable", "s"});
    both({"disable", "s"});
    both({"enable", "nosuch"});
    both({"disable", "nosuch"});
    both({"enable", "--runtime", "b"});
    states();
    both({"disable", "b"});
    both({"disable", "--runtime", "b"});
    states();
}

TEST_F(UnitFilesParity, SectionsOfAllKinds) {
    for (const char* unit :
         {"legacy",
          "badlegacy",
          "type",
          "self",
          "spec",
          "percent",
          "names",
          "quoted",
          "reset",
          "also1",
          "also2",
          "alsomask",
          "drop",
          "tr",
          "gen",
          "empty",
          "devnull"}) {
        both({"enable", unit});
    }
    states();
    both({"is-enabled", "legacy", "type", "drop", "tr", "gen", "empty", "devnull"});
    for (const char* unit : {"also2", "spec", "drop", "legacy", "tr", "gen", "empty", "alsomask"}) {
        both({"disable", unit});
    }
    states();
}

TEST_F(UnitFilesParity, TemplatesAndInstances) {
    both({"enable", "plain@.service"});
    both({"enable", "plain@x.service"});
    both({"enable", "t@x"});
    both({"is-enabled", "t@x", "t@", "plain@", "plain@x", "plain@y"});
    both({"enable", "t@"});
    both({"enable", "d@.service"});
    both({"is-enabled", "d@", "d@one", "d@two"});
    both({"enable", "d@two"});
    both({"enable", "e@.service"});
    states();
    both({"is-enabled", "e@", "e@main"});
    both({"disable", "plain@x.service"});
    both({"disable", "d@.service"});
    both({"disable", "t@.service"});
    both({"disable", "e@main.service"});
    states();
}

TEST_F(UnitFilesParity, MaskAndUnmask) {
    both({"enable", "b"});
    both({"mask", "b"});
    both({"mask", "b", "s"});
    both({"is-enabled", "b"});
    both({"enable", "b"});
    both({"disable", "b"});
    both({"add-wants", "g.target", "b"});
    both({"mask", "own"});
    both({"mask", "--force", "own"});
    states();
    both({"unmask", "b", "s"});
    both({"unmask", "b", "own"});
    both({"mask", "nosuch"});
    both({"unmask", "nosuch"});
    both({"mask", "--runtime", "s"});
    both({"is-enabled", "s"});
    both({"unmask", "s"});
    both({"unmask", "--runtime", "s"});
    both({"enable", "a"});
    both({"mask", "aa"});
    both({"mask", "--force", "aa"});
    states();
    both({"unmask", "aa"});
}

TEST_F(UnitFilesParity, LinkedFiles) {
    both({"link", "/ext/l.service"});
    both({"is-enabled", "l"});
    both({"link", "/ext/l.service"});
    both({"enable", "l"});
    both({"is-enabled", "l"});
    states();
    both({"disable", "l"});
    both({"enable", "/ext/l.service"});
    both({"enable", "/ext/l2.service"});
    both({"is-enabled", "l", "l2"});
    both({"enable", "/ext/lt@.service"});
    both({"enable", "lt@i"});
    both({"is-enabled", "lt@", "lt@i"});
    both({"reenable", "/ext/l.service"});
    both({"link", "--runtime", "/ext/l2.service"});
    states();
    both({"disable", "l", "l2"});
    both({"is-enabled", "l2"});
    both({"enable", "gone"});
    both({"disable", "gone"});
}

TEST_F(UnitFilesParity, RevertGoesBackToWhatWasShipped) {
    both({"is-enabled", "over"});
    both({"revert", "over"});
    both({"is-enabled", "over"});
    both({"revert", "own"});
    both({"mask", "b"});
    both({"revert", "b"});
    both({"mask", "--runtime", "s"});
    both({"revert", "s"});
    states();
}

TEST_F(UnitFilesParity, TargetsAndDependencies) {
    both({"get-default"});
    both({"set-default", "g.target"});
    both({"get-default"});
    both({"set-default", "g.target"});
    both({"set-default", "multi-user.target"});
    both({"set-default", "nosuch.target"});
    both({"add-wants", "g.target", "s"});
    both({"add-requires", "g.target", "s", "b"});
    both({"add-wants", "nosuch.target", "s"});
    both({"add-wants", "g.target", "nosuch"});
    both({"add-wants", "g.target", "plain@x.service"});
    both({"add-wants", "--runtime", "multi-user.target", "s"});
    both({"is-enabled", "s", "plain@x"});
    states();
    both({"disable", "s"});
    states();
}

TEST_F(UnitFilesParity, Presets) {
    on_both([](const Tree& tree) {
        tree.file(
            "/usr/lib/systemd/system-preset/90-all.preset",
            "# the rest\n; too\n\nenable [ab].service\nenable plain@.service x y\n"
            "enable also2.*\ndisable tr.service\nenable [stl]*.service\nenable e@.service\n"
            "enable c.service\ndisable *\n");
        tree.file("/usr/lib/systemd/system-preset/10-hidden.preset", "disable a.service\n");
        tree.file("/etc/systemd/system-preset/10-hidden.preset", "disable c.service\n");
        tree.file("/etc/systemd/system-preset/ignored.conf", "disable a.service\n");
    });
    states();
    both({"preset", "a", "c", "also2", "s"});
    both({"preset", "plain@.service"});
    both({"enable", "own", "over", "d@two"});
    both({"preset", "--preset-mode=enable-only", "own", "legacy"});
    both({"preset", "--preset-mode=disable-only", "own", "self"});
    both({"preset", "vs"});
    both({"preset", "nosuch"});
    both({"preset", "tr"});
    both({"mask", "drop"});
    both({"preset", "drop"});
    states();
    both({"preset-all", "--preset-mode=enable-only"});
    both({"preset-all"});
    states();
}

}  // namespace
}  // namespace hearth::test
