// SPDX-License-Identifier: MIT
#include "supervisor/probe_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <set>
#include <sstream>
#include <thread>

#include "supervisor/report/probe.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

constexpr std::size_t most_output = 1U << 20U;
constexpr int patience_milliseconds = 5000;
constexpr std::size_t most_launches = 64;

/// Makes the beacons and removes them.
class OnTheHost {
public:
    OnTheHost() = default;
    OnTheHost(const OnTheHost&) = delete;
    OnTheHost& operator=(const OnTheHost&) = delete;
    ~OnTheHost() {
        for (const std::string& file : {beacons.tmp, beacons.var_tmp}) {
            if (!file.empty()) {
                (void)::unlink(file.c_str());
            }
        }
        if (beacons.shared_memory >= 0) {
            (void)::shmctl(beacons.shared_memory, IPC_RMID, nullptr);
        }
    }
    Result<void> make() {
        const std::string random = HEARTH_TRY(sys::random_hex(8));
        beacons.stranger = ::getpid();
        HEARTH_TRY(file("/tmp/hearth-probe-" + random, beacons.tmp));
        HEARTH_TRY(file("/var/tmp/hearth-probe-" + random, beacons.var_tmp));
        beacons.shared_memory = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666);
        beacons.socket = "hearth-probe-" + random;
        socket_ = sys::Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        beacons.socket.copy(name.sun_path + 1, sizeof name.sun_path - 2);
        const auto size =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + beacons.socket.size());
        if (!socket_ ||
            ::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&name), size) < 0 ||
            ::listen(socket_.number(), 16) < 0) {
            return failure("no socket for the probe to look for", errno);
        }
        return {};
    }

    report::Beacons beacons;

private:
    static Result<void> file(const std::string& path, std::string& kept) {
        const auto made = HEARTH_TRY(sys::open(path, O_WRONLY | O_CREAT | O_EXCL, 0666));
        (void)::fchmod(made.number(), 0666);
        kept = path;
        return {};
    }
    sys::Descriptor socket_;
};

/// "3 -13\n4 0\n5 ": the answers so far, and whether the last try has none.
struct Heard {
    std::vector<std::pair<std::size_t, long>> answers;
    std::optional<std::size_t> unanswered;
};

Heard heard(const std::string& text) {
    Heard result;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::size_t index = 0;
        long value = 0;
        if (!(words >> index)) {
            continue;
        }
        if (words >> value) {
            result.answers.emplace_back(index, value);
        } else {
            result.unanswered = index;
        }
    }
    return result;
}

class Probing {
public:
    Probing(ProbeJob& job, const cgroup::Tree& tree, const std::vector<report::Try>& tries)
        : job_(job), tree_(tree), tries_(tries), answers(tries.size()) {}

    Result<void> run() {
        for (std::size_t launches = 0; launches < most_launches; ++launches) {
            std::vector<std::size_t> left;
            for (std::size_t index = 0; index < tries_.size(); ++index) {
                if (answers[index].kind == report::Answer::Kind::None &&
                    !given_up_.contains(index)) {
                    left.push_back(index);
                }
            }
            if (left.empty()) {
                break;
            }
            HEARTH_TRY(round(left));
        }
        return {};
    }

private:
    Result<void> round(const std::vector<std::size_t>& left);
    Result<std::string> launch(const std::vector<std::size_t>& left);

    ProbeJob& job_;
    const cgroup::Tree& tree_;
    const std::vector<report::Try>& tries_;
    std::set<std::size_t> given_up_;

public:
    std::vector<report::Answer> answers;
};

Result<void> Probing::round(const std::vector<std::size_t>& left) {
    const Heard said = heard(HEARTH_TRY(launch(left)));
    for (const auto& [index, value] : said.answers) {
        if (index < left.size()) {
            answers[left[index]] = {report::Answer::Kind::Value, value};
        }
    }
    if (said.unanswered && *said.unanswered < left.size()) {
        answers[left[*said.unanswered]] = {report::Answer::Kind::Killed, 0};
    } else if (said.answers.empty()) {
        given_up_.insert(left.begin(), left.end());  // it never spoke: nothing can be known
    }
    return {};
}

/// One process: what it wrote until its end, or until patience ended.
Result<std::string> Probing::launch(const std::vector<std::size_t>& left) {
    launch::LaunchRequest request;
    request.plan = job_.plan;
    request.plan.argv = {"hearth-probe"};
    for (const std::size_t index : left) {
        request.plan.argv.push_back(tries_[index].word);
    }
    request.activation = HEARTH_TRY(launch::borrowed(job_.activation));
    auto pipe = HEARTH_TRY(sys::pipe2());
    request.descriptors["probe"] = HEARTH_TRY(sys::open(job_.program, O_PATH));
    request.descriptors["stdin"] = HEARTH_TRY(sys::open("/dev/null", O_RDWR));
    request.descriptors["stderr"] = HEARTH_TRY(sys::open("/dev/null", O_RDWR));
    request.descriptors["stdout"] = std::move(pipe.write);
    launch::LaunchResult result = launch::launch_now(std::move(request), tree_);
    if (result.failure) {
        if (result.pidfd) {
            (void)sys::waitid(result.pidfd.number(), 0);
        }
        return failure(launch::message(*result.failure), result.failure->error);
    }
    std::string text;
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_milliseconds);
    for (char buffer[4096]; text.size() < most_output;) {
        const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(
                              deadline - std::chrono::steady_clock::now())
                              .count();
        pollfd readable{pipe.read.number(), POLLIN, 0};
        if (rest <= 0 || ::poll(&readable, 1, static_cast<int>(rest)) <= 0) {
            break;
        }
        const ssize_t size = ::read(pipe.read.number(), buffer, sizeof buffer);
        if (size <= 0) {
            break;
        }
        text.append(buffer, static_cast<std::size_t>(size));
    }
    (void)sys::pidfd_send_signal(result.pidfd.number(), SIGKILL);
    (void)sys::waitid(result.pidfd.number(), 0);
    return text;
}

void remove_cgroup(const cgroup::Tree& tree, const std::string& path) {
    constexpr std::chrono::milliseconds pause{5};
    for (int tries = 0; tries < 400 && !tree.remove(path); ++tries) {
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace

launch::Plan with_another_program(launch::Plan plan, const std::string& cgroup, bool with_limits) {
    std::set<std::string> streams;
    std::erase_if(plan.steps, [&](const launch::Step& step) {
        if (const auto* use = std::get_if<launch::UseDescriptor>(&step.action)) {
            streams.insert(use->slot);
            return true;
        }
        return std::holds_alternative<launch::ControllingTerminal>(step.action);
    });
    std::erase_if(plan.preparations, [&](const launch::Prepared& prepared) {
        const auto* open = std::get_if<launch::OpenFile>(&prepared.preparation);
        return open != nullptr && streams.contains(open->slot);
    });
    // The programs on the unit's own cgroup hold for what is below it.
    std::erase_if(plan.preparations, [&](const launch::Prepared& prepared) {
        return !with_limits &&
               (std::holds_alternative<launch::FilterCgroup>(prepared.preparation) ||
                std::holds_alternative<launch::AttachProgram>(prepared.preparation));
    });
    for (launch::Prepared& prepared : plan.preparations) {
        if (auto* filter = std::get_if<launch::FilterCgroup>(&prepared.preparation)) {
            filter->path = cgroup;
        }
        if (auto* program = std::get_if<launch::AttachProgram>(&prepared.preparation)) {
            program->path = cgroup;
        }
        if (auto* made = std::get_if<launch::MakeCgroup>(&prepared.preparation)) {
            made->path = cgroup;
            if (!with_limits) {
                made->knobs.clear();
            }
        }
    }
    plan.cgroup = cgroup;
    const char* const slots[] = {"stdin", "stdout", "stderr"};
    for (int number = 0; number < 3; ++number) {
        plan.steps.push_back(
            {Stage::Descriptors, launch::UseDescriptor{slots[number], number}, {}, 208});
    }
    std::ranges::stable_sort(plan.steps, {}, &launch::Step::stage);
    return plan;
}

Result<std::string> run_probe(ProbeJob job, const cgroup::Tree& tree) {
    OnTheHost host;
    HEARTH_TRY(host.make());
    const std::vector<report::Try> tries = report::tries(job.unit, job.plan, host.beacons);
    const std::string forbidden = report::probe_forbidden(job.plan);
    job.plan = with_another_program(std::move(job.plan), job.cgroup);
    job.plan.executable.clear();
    job.plan.executable_slot = "probe";
    Probing probing(job, tree, tries);
    if (forbidden.empty()) {
        auto ran = probing.run();
        remove_cgroup(tree, job.cgroup);
        HEARTH_TRY(std::move(ran));
    }
    return report::to_json(report::judge_tries(job.unit, tries, probing.answers, forbidden));
}

}  // namespace hearth
