// SPDX-License-Identifier: MIT
//
// StateDirectory= and kin, credentials, dynamic users, keyrings: what services find, and what is
// left of it, on this machine's kernel. All directories are below a scratch directory
// (--directories-root), outside /tmp so that PrivateTmp= doesn't hide it.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
using hearth::testing::Output;
namespace fs = std::filesystem;

constexpr uid_t nobody = 65534;

/// Made first and removed last: hearthd lives in between.
class Root {
public:
    Root() {
        char pattern[] = "/var/hearth-directories-XXXXXX";
        path_ = ::mkdtemp(pattern) == nullptr ? "/nonexistent" : pattern;
        EXPECT_EQ(::chmod(path_.c_str(), 0755), 0);
    }
    ~Root() {
        std::error_code error;
        fs::remove_all(path_, error);
        EXPECT_FALSE(error) << error.message();
    }
    Root(const Root&) = delete;
    Root& operator=(const Root&) = delete;
    [[nodiscard]] std::string at(const std::string& below) const { return path_ + below; }

private:
    std::string path_;
};

std::string content(const std::string& path) {
    const std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
}

struct stat status_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status;
}

class Directories : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    /// A unit that has run `script` when its start returns, and goes on; its output is in /out.
    void add(const std::string& name, const std::string& lines, const std::string& script) const {
        hearthd.add(
            name + ".service",
            "[Service]\nType=oneshot\nRemainAfterExit=yes\nStandardOutput=truncate:" +
                root.at("/out-" + name) + "\nStandardError=inherit\n" + lines +
                "\nExecStart=/bin/sh -c '" + script + "'\n");
    }
    [[nodiscard]] std::string out(const std::string& name) const {
        return content(root.at("/out-" + name));
    }
    void start(const std::string& name) const {
        const Output output = hearthd.ctl({"start", name + ".service"});
        EXPECT_EQ(output.status, 0) << output.err << hearthd.log() << out(name);
    }
    void stop(const std::string& name) const {
        EXPECT_EQ(hearthd.ctl({"stop", name + ".service"}).status, 0) << hearthd.log();
    }
    [[nodiscard]] static bool gone(const std::string& path) {
        return eventually([&] { return !fs::exists(fs::symlink_status(path)); });
    }

    Root root;
    HearthdProcess hearthd{{}, {"--directories-root", root.at("")}};
};

TEST_F(Directories, AreMadeForTheUserToldAndVerified) {
    hearthd.add(
        "a.service",
        "[Service]\nUser=nobody\nStateDirectory=s/inner t:link\nCacheDirectory=c\n"
        "CacheDirectoryMode=0700\nLogsDirectory=l\nRuntimeDirectory=r\nConfigurationDirectory=e\n"
        "ExecStart=/bin/sh -c 'echo $STATE_DIRECTORY > $RUNTIME_DIRECTORY/new && mv "
        "$RUNTIME_DIRECTORY/new $RUNTIME_DIRECTORY/told && exec sleep infinity'\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0) << hearthd.log();
    ASSERT_TRUE(eventually([&] { return fs::exists(root.at("/run/r/told")); })) << hearthd.log();
    EXPECT_EQ(
        content(root.at("/run/r/told")),
        root.at("/var/lib/s/inner") + ":" + root.at("/var/lib/t") + "\n");
    EXPECT_EQ(status_of(root.at("/var/lib/s")).st_uid, 0U);
    EXPECT_EQ(status_of(root.at("/var/lib/s/inner")).st_uid, nobody);
    EXPECT_EQ(status_of(root.at("/var/cache/c")).st_mode & 07777U, 0700U);
    EXPECT_EQ(status_of(root.at("/var/log/l")).st_uid, nobody);
    EXPECT_EQ(status_of(root.at("/etc/e")).st_uid, 0U);
    EXPECT_EQ(fs::read_symlink(root.at("/var/lib/link")), "t");
    const Output report = hearthd.ctl({"confinement", "a.service"});
    EXPECT_EQ(report.status, 0) << report.out;
    for (const char* const directive :
         {"StateDirectory", "CacheDirectory", "CacheDirectoryMode", "RuntimeDirectory"}) {
        EXPECT_NE(report.out.find(directive), std::string::npos) << report.out;
    }
    stop("a");
    EXPECT_TRUE(gone(root.at("/run/r")));
    EXPECT_TRUE(fs::exists(root.at("/var/lib/s/inner")));
}

TEST_F(Directories, AreWritableInAReadOnlySystemAndNothingElseIs) {
    fs::create_directories(root.at("/var/lib/other"));
    add("a",
        "ProtectSystem=strict\nStateDirectory=s",
        "touch $STATE_DIRECTORY/x && echo wrote; touch " + root.at("/var/lib/other/x") +
            " || echo refused");
    start("a");
    EXPECT_NE(out("a").find("wrote"), std::string::npos) << out("a");
    EXPECT_NE(out("a").find("refused"), std::string::npos) << out("a");
    EXPECT_TRUE(fs::exists(root.at("/var/lib/s/x")));
    EXPECT_FALSE(fs::exists(root.at("/var/lib/other/x")));
}

TEST_F(Directories, ChangeTheirOwnerWithAllThatIsInThem) {
    write(root.at("/var/lib/s/deep/file"), "x");
    fs::create_symlink("/etc/passwd", root.at("/var/lib/s/deep/link"));
    add("a", "User=nobody\nStateDirectory=s", "true");
    start("a");
    EXPECT_EQ(status_of(root.at("/var/lib/s")).st_uid, nobody);
    EXPECT_EQ(status_of(root.at("/var/lib/s/deep/file")).st_uid, nobody);
    EXPECT_EQ(status_of(root.at("/var/lib/s/deep/link")).st_uid, nobody);
    EXPECT_EQ(status_of("/etc/passwd").st_uid, 0U) << "no link is followed";
}

TEST_F(Directories, DontFollowALinkThatAStrangerMade) {
    write(root.at("/victim/file"), "x");
    fs::create_directories(root.at("/var/lib/theirs"));
    ASSERT_EQ(::chown(root.at("/var/lib/theirs").c_str(), nobody, nobody), 0);
    fs::create_symlink(root.at("/victim"), root.at("/var/lib/theirs/s"));
    ASSERT_EQ(::lchown(root.at("/var/lib/theirs/s").c_str(), nobody, nobody), 0);
    add("a", "User=nobody\nStateDirectory=theirs/s", "true");
    const Output refused = hearthd.ctl({"start", "a.service"});
    EXPECT_NE(refused.status, 0);
    EXPECT_NE(
        hearthd.log().find("StateDirectory=theirs/s: step \"make-service-directory\" failed"),
        std::string::npos)
        << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "ExecMainStatus"), "238");
    EXPECT_EQ(status_of(root.at("/victim")).st_uid, 0U);
    EXPECT_EQ(status_of(root.at("/victim/file")).st_uid, 0U);

    // The control: what root has arranged is followed.
    fs::create_symlink(root.at("/victim"), root.at("/var/lib/arranged"));
    add("b", "User=nobody\nStateDirectory=arranged", "true");
    start("b");
    EXPECT_EQ(status_of(root.at("/victim/file")).st_uid, nobody);
}

TEST_F(Directories, KeepTheRuntimeDirectoryAsLongAsAsked) {
    const std::string script = "ls $RUNTIME_DIRECTORY; touch $RUNTIME_DIRECTORY/mark";
    add("no", "RuntimeDirectory=no:no-link", script);
    add("restart", "RuntimeDirectory=restart\nRuntimeDirectoryPreserve=restart", script);
    add("yes", "RuntimeDirectory=yes\nRuntimeDirectoryPreserve=yes", script);
    for (const std::string name : {"no", "restart", "yes"}) {
        start(name);
        EXPECT_EQ(out(name), "");
        EXPECT_EQ(hearthd.ctl({"restart", name + ".service"}).status, 0) << hearthd.log();
        EXPECT_EQ(out(name), name == "no" ? "" : "mark\n") << name;
        stop(name);
    }
    EXPECT_TRUE(gone(root.at("/run/no")));
    EXPECT_TRUE(gone(root.at("/run/no-link")));
    EXPECT_TRUE(gone(root.at("/run/restart")));
    EXPECT_TRUE(fs::exists(root.at("/run/yes/mark")));
}

TEST_F(Directories, AreCleanedOnRequest) {
    add("a",
        "StateDirectory=s:link\nCacheDirectory=c",
        "touch $STATE_DIRECTORY/x $CACHE_DIRECTORY/x");
    start("a");
    EXPECT_NE(hearthd.ctl({"clean", "a.service"}).err.find("not inactive"), std::string::npos);
    EXPECT_TRUE(fs::exists(root.at("/var/cache/c/x")));
    stop("a");
    EXPECT_EQ(hearthd.show("a.service", "CanClean"), "state cache");
    EXPECT_EQ(hearthd.ctl({"clean", "a.service"}).status, 0) << hearthd.log();
    EXPECT_FALSE(fs::exists(root.at("/var/cache/c")));
    EXPECT_TRUE(fs::exists(root.at("/var/lib/s/x"))) << "state is not cleaned unasked";
    EXPECT_EQ(hearthd.ctl({"clean", "--what=state", "a.service"}).status, 0) << hearthd.log();
    EXPECT_FALSE(fs::exists(root.at("/var/lib/s")));
    EXPECT_FALSE(fs::exists(fs::symlink_status(root.at("/var/lib/link"))));
    EXPECT_NE(hearthd.ctl({"clean", "--what=logs", "a.service"}).status, 0);
    EXPECT_NE(hearthd.ctl({"clean", "--what=rubbish", "a.service"}).status, 0);
}

TEST_F(Directories, AreCleanedForNoLongerThanAllowed) {
    // Any removal takes longer than a microsecond; the clock is asked before each entry.
    add("a", "StateDirectory=s\nTimeoutCleanSec=1us", "cd $STATE_DIRECTORY; touch a b c d");
    start("a");
    stop("a");
    const Output output = hearthd.ctl({"clean", "--what=state", "a.service"});
    EXPECT_NE(output.status, 0);
    EXPECT_NE(output.err.find("TimeoutCleanSec= of a.service has passed"), std::string::npos)
        << output.err;
    EXPECT_TRUE(fs::exists(root.at("/var/lib/s")));
}

TEST_F(Directories, AreMountedIntoARootOfItsOwn) {
    for (const char* const directory : {"/bin", "/proc", "/run", "/sys", "/dev"}) {
        fs::create_directories(root.at("/busybox") + directory);
    }
    fs::copy_file("/bin/busybox", root.at("/busybox/bin/busybox"));
    fs::create_symlink("busybox", root.at("/busybox/bin/sh"));
    fs::create_symlink("busybox", root.at("/busybox/bin/touch"));
    add("a",
        "RootDirectory=" + root.at("/busybox") + "\nStateDirectory=s:link",
        "touch $STATE_DIRECTORY/x && touch $STATE_DIRECTORY/../link/y");
    start("a");
    EXPECT_TRUE(fs::exists(root.at("/var/lib/s/x"))) << out("a");
    EXPECT_TRUE(fs::exists(root.at("/var/lib/s/y"))) << out("a");
}

// ---- dynamic users

TEST_F(Directories, ADynamicUserKeepsItsStateWhereNobodyElseGets) {
    const std::string lines = "DynamicUser=yes\nStateDirectory=",
                      script = "id -u; touch $STATE_DIRECTORY/x && ls " +
                               root.at("/var/lib/private") + "; touch /var/hearth-never 2>&1; true";
    add("one", lines + "one", script);
    add("two", lines + "two", script);
    start("one");
    start("two");
    std::istringstream first(out("one")), second(out("two"));
    unsigned one = 0, two = 0;
    std::string seen;
    first >> one >> seen;
    second >> two;
    EXPECT_GE(one, 61184U) << out("one");
    EXPECT_LE(one, 65519U);
    EXPECT_NE(one, two);
    EXPECT_EQ(seen, "one") << "others' private directories are out of sight: " << out("one");
    EXPECT_NE(out("one").find("Read-only file system"), std::string::npos);
    EXPECT_EQ(fs::read_symlink(root.at("/var/lib/one")), "private/one");
    EXPECT_EQ(status_of(root.at("/var/lib/private")).st_mode & 07777U, 0700U);
    EXPECT_EQ(status_of(root.at("/var/lib/private/one/x")).st_uid, one);
    const std::string lock = hearthd.place() + "/runtime/dynamic-uid/" + std::to_string(one);
    EXPECT_TRUE(fs::exists(lock));
    stop("one");
    EXPECT_TRUE(gone(lock)) << "the number is free again";
    start("one");
    std::istringstream again(out("one"));
    unsigned number = 0;
    again >> number;
    EXPECT_EQ(number, one) << "its state still belongs to it";
}

TEST_F(Directories, StateMovesBetweenADynamicUserAndAnOrdinaryOne) {
    add("a", "StateDirectory=s", "touch $STATE_DIRECTORY/x");
    start("a");
    stop("a");
    add("a", "DynamicUser=yes\nStateDirectory=s", "touch $STATE_DIRECTORY/y");
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    start("a");
    EXPECT_TRUE(fs::exists(root.at("/var/lib/private/s/x")));
    EXPECT_TRUE(fs::exists(root.at("/var/lib/private/s/y")));
    stop("a");
    add("a", "User=nobody\nStateDirectory=s", "touch $STATE_DIRECTORY/z");
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    start("a");
    EXPECT_FALSE(fs::is_symlink(fs::symlink_status(root.at("/var/lib/s"))));
    EXPECT_EQ(status_of(root.at("/var/lib/s/y")).st_uid, nobody);
    EXPECT_TRUE(fs::exists(root.at("/var/lib/s/z")));
}

TEST_F(Directories, ADynamicUserIsVerified) {
    hearthd.add(
        "a.service",
        "[Service]\nType=exec\nDynamicUser=yes\nStateDirectory=s\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0) << hearthd.log();
    const Output report = hearthd.ctl({"confinement", "a.service"});
    EXPECT_EQ(report.status, 0) << report.out;
    for (const char* const directive :
         {"DynamicUser",
          "NoNewPrivileges",
          "PrivateTmp",
          "ProtectHome",
          "ProtectSystem",
          "RestrictSUIDSGID",
          "StateDirectory"}) {
        EXPECT_NE(report.out.find(directive), std::string::npos) << report.out;
    }
}

/// Lines of /proc/sysvipc/shm and files of /dev/shm that belong to `uid`.
int objects_of(uid_t uid) {
    int count = 0;
    std::istringstream lines(content("/proc/sysvipc/shm"));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        std::vector<std::string> words;
        for (std::string word; fields >> word;) {
            words.push_back(word);
        }
        count += words.size() > 7 && words[7] == std::to_string(uid) ? 1 : 0;
    }
    for (const auto& entry : fs::directory_iterator("/dev/shm")) {
        count += status_of(entry.path()).st_uid == uid ? 1 : 0;
    }
    return count;
}

TEST_F(Directories, IpcObjectsGoWithADynamicUser) {
    add("a", "DynamicUser=yes", "id -u; ipcmk -M 64 > /dev/null; touch /dev/shm/hearth-test-$$");
    start("a");
    const auto uid = static_cast<uid_t>(std::stoul(out("a")));
    EXPECT_EQ(objects_of(uid), 2) << out("a");
    stop("a");
    EXPECT_TRUE(eventually([&] { return objects_of(uid) == 0; })) << hearthd.log();
}

// ---- credentials

/// Answers one connection with `text`, and keeps the name of who asked.
class Answering {
public:
    Answering(const std::string& path, std::string text) {
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_, 1), 0);
        thread_ = std::thread([this, text = std::move(text)] {
            sockaddr_un peer{};
            socklen_t size = sizeof peer;
            const int client = ::accept(listener_, reinterpret_cast<sockaddr*>(&peer), &size);
            if (client >= 0) {
                asked_.assign(peer.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
                EXPECT_EQ(::write(client, text.data(), text.size()), ssize_t(text.size()));
                ::close(client);
            }
        });
    }
    ~Answering() { (void)asked(); }
    Answering(const Answering&) = delete;
    Answering& operator=(const Answering&) = delete;
    [[nodiscard]] std::string asked() {
        if (thread_.joinable()) {
            ::shutdown(listener_, SHUT_RDWR);
            thread_.join();
            ::close(listener_);
        }
        return asked_;
    }

private:
    int listener_ = -1;
    std::thread thread_;
    std::string asked_;
};

TEST_F(Directories, CredentialsComeFromFilesDirectoriesSocketsAndTheUnit) {
    write(root.at("/secrets/file"), "from-file");
    write(root.at("/secrets/tree/a"), "from-tree");
    write(root.at("/etc/credstore/stored"), "from-store");
    ::chmod(root.at("/secrets").c_str(), 0700);
    Answering answering(root.at("/secrets/socket"), "from-socket");
    add("a",
        "User=nobody\nLoadCredential=file:" + root.at("/secrets/file") + "\nLoadCredential=tree:" +
            root.at("/secrets/tree") + "\nLoadCredential=socket:" + root.at("/secrets/socket") +
            "\nLoadCredential=stored\nLoadCredential=absent:/nonexistent\n"
            "SetCredential=absent:hunter2\\\\n\nEnvironment=SAME=%d",
        "cd $CREDENTIALS_DIRECTORY && for f in *; do echo $f=$(cat $f); done; "
        "test $SAME = $CREDENTIALS_DIRECTORY && echo same; touch x 2>&1; stat -c %%a:%%U . file");
    start("a");
    const std::string said = out("a");
    for (const char* const part :
         {"file=from-file\n",
          "tree_a=from-tree\n",
          "socket=from-socket\n",
          "stored=from-store\n",
          "absent=hunter2",
          "same\n",
          "Read-only file system",
          "500:nobody\n400:nobody\n"}) {
        EXPECT_NE(said.find(part), std::string::npos) << part << " in " << said;
    }
    EXPECT_NE(answering.asked().find("/unit/a.service/socket"), std::string::npos)
        << answering.asked();
    for (const auto& verb : std::vector<std::vector<std::string>>{
             {"show", "a.service"},
             {"plan", "a.service"},
             {"confinement", "--json", "a.service"}}) {
        const Output output = hearthd.ctl(verb);
        EXPECT_EQ((output.out + output.err).find("hunter2"), std::string::npos) << verb.front();
    }
    EXPECT_EQ(hearthd.log().find("hunter2"), std::string::npos);
    stop("a");
    EXPECT_TRUE(gone(root.at("/run/credentials/a.service")));
    EXPECT_EQ(content("/proc/self/mountinfo").find(root.at("")), std::string::npos);
}

TEST_F(Directories, CredentialsOfOthersAreOutOfSight) {
    add("a", "SetCredential=x:y\nPrivateMounts=yes", "cat $CREDENTIALS_DIRECTORY/x");
    add("b", "PrivateMounts=yes", "cat " + root.at("/run/credentials/a.service/x") + " 2>&1");
    add("c", "SetCredential=z:z\nPrivateMounts=yes", "ls " + root.at("/run/credentials"));
    add("control", "", "cat " + root.at("/run/credentials/a.service/x"));
    start("a");
    EXPECT_EQ(out("a"), "y");
    (void)hearthd.ctl({"start", "b.service"});
    EXPECT_NE(out("b").find("No such file"), std::string::npos) << out("b");
    start("c");
    EXPECT_EQ(out("c"), "c.service\n");
    start("control");
    EXPECT_EQ(out("control"), "y") << "without a sandbox root sees them";
}

TEST_F(Directories, CredentialsThatCannotBeHadStopTheStart) {
    write(root.at("/big"), std::string((1U << 20U) + 1, 'x'));
    add("missing", "LoadCredential=a:/nonexistent", "true");
    add("big", "LoadCredential=a:" + root.at("/big"), "true");
    for (const char* const name : {"missing", "big"}) {
        EXPECT_NE(hearthd.ctl({"start", std::string(name) + ".service"}).status, 0) << name;
    }
    EXPECT_NE(
        hearthd.log().find("LoadCredential=a:/nonexistent: step \"make-credentials\" failed: No "
                           "such file or directory"),
        std::string::npos)
        << hearthd.log();
    EXPECT_NE(hearthd.log().find("larger than 1M"), std::string::npos) << hearthd.log();
}

// ---- keyrings, search path

TEST_F(Directories, KeyringsAreOwnOrInherited) {
    // KEYCTL_GET_KEYRING_ID of the session keyring; perl is on every Debian.
    const std::string script = "exec perl -e \"print syscall(250, 0, -3, 0)\"";
#ifndef __x86_64__
    GTEST_SKIP() << "the test's system call numbers are x86-64's";
#endif
    add("private", "", script);
    add("also-private", "", script);
    add("one", "KeyringMode=inherit", script);
    add("two", "KeyringMode=inherit", script);
    for (const char* const name : {"private", "also-private", "one", "two"}) {
        start(name);
    }
    if (out("private") == "-1") {
        GTEST_SKIP() << "this kernel or container has no keyrings";
    }
    EXPECT_NE(out("private"), out("also-private"));
    EXPECT_EQ(out("one"), out("two"));
    EXPECT_NE(out("one"), out("private"));
}

TEST_F(Directories, ASharedKeyringHasTheUsersKeysAndThePrivateOneNot) {
#ifndef __x86_64__
    GTEST_SKIP() << "the test's system call numbers are x86-64's";
#endif
    // add_key("user", "hearth", "x", KEY_SPEC_USER_KEYRING), then request it by way of the session.
    const std::string add_key =
        "perl -e \"my (\\$t, \\$d) = (q(user), q(hearth)); "
        "exit(syscall(248, \\$t, \\$d, \\$d, 6, -4) < 0)\"";
    const std::string search =
        "perl -e \"my (\\$t, \\$d) = (q(user), q(hearth)); "
        "print syscall(250, 10, -3, \\$t, \\$d, 0) < 0 ? q(absent) : q(present)\"";
    add("shared", "User=daemon\nKeyringMode=shared", add_key + " && " + search);
    add("private", "User=daemon\nKeyringMode=private", search);
    add("id",
        "KeyringMode=private",
        "perl -e \"my (\\$t, \\$d) = (q(user), q(invocation_id)); "
        "print syscall(250, 10, -3, \\$t, \\$d, 0) < 0 ? q(absent) : q(present)\"");
    if (hearthd.ctl({"start", "shared.service"}).status != 0 && out("shared").empty()) {
        GTEST_SKIP() << "this kernel or container has no keyrings: " << hearthd.log();
    }
    start("private");
    start("id");
    EXPECT_EQ(out("shared"), "present");
    EXPECT_EQ(out("private"), "absent");
    EXPECT_EQ(out("id"), "present");
}

TEST_F(Directories, CommandsAreSearchedForWhereTheUnitSays) {
    write(root.at("/tools/warm"), "#!/bin/sh\necho warm in $PATH\n");
    ::chmod(root.at("/tools/warm").c_str(), 0755);
    hearthd.add(
        "a.service",
        "[Service]\nType=oneshot\nExecSearchPath=" + root.at("/tools") +
            "\nStandardOutput=truncate:" + root.at("/out-a") + "\nExecStart=warm\n");
    EXPECT_EQ(hearthd.ctl({"start", "a.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(out("a"), "warm in " + root.at("/tools") + "\n");
}

}  // namespace
