// SPDX-License-Identifier: MIT
//
// The keeper: starts hearthd, starts it again when it dies, reaps what is orphaned, keeps exit
// statuses and descriptors for the next hearthd, passes signals on. It knows nothing of units.
//
// hearthd's death after it said Ready is answered at once, however often; one before is answered
// after 100 ms, doubling to 5 s. Ends when hearthd ends after it said Stopped, with its exit
// status; and when the very first hearthd says by its status that it won't do (0: --help; 2: its
// command line), or can't be started and SIGTERM has come. For a machine these two are no end:
// after three deaths before ready a shell is offered on the console, while hearthd is tried on and
// on; its run ends as hearthd said, by reboot(2), and never by an exit.
#pragma once

#include "supervisor/init/ending.hpp"
#include "supervisor/init/tables.hpp"
#include "supervisor/init/world.hpp"

namespace hearth::keeper {

class Keeper {
public:
    /// `command`: hearthd's words, ended by null. `signals`: of open_signals(). `shutdown_program`:
    /// hearth-shutdown's path.
    Keeper(
        Role role,
        char** command,
        const char* shutdown_program,
        int signals,
        const OomScore& score,
        Descriptors& descriptors,
        Processes& processes)
        : role_(role),
          command_(command),
          shutdown_program_(shutdown_program),
          signals_(signals),
          score_(score),
          descriptors_(descriptors),
          processes_(processes) {}

    /// The status to exit with.
    int run();

private:
    [[nodiscard]] bool machine() const { return role_ == Role::Machine; }
    void serve();
    void pass_on(int signal);
    void start();
    void wait() const;
    void read_signals();
    void read_channel();
    void handle(const Packet& packet, int descriptor);
    void tell();
    void reap();
    void process_ended(int32_t pid, int32_t code, int32_t status);
    void hearthd_ended(int32_t code, int32_t status);
    void judge_death(int32_t code, int32_t status);
    void offer_shell();

    // Another program in place of hearthd (replacing.cpp).
    void hold_program();
    void run_program();
    void replace_by(int program, uint32_t milliseconds);
    void replacement_is_ready();
    [[nodiscard]] bool replacement_ended(int32_t code, int32_t status);
    void end_late_replacement();
    [[nodiscard]] Packet not_replaced() const;

    Role role_;
    char** command_;
    const char* shutdown_program_;
    int signals_;
    const OomScore& score_;

    Descriptors& descriptors_;
    Processes& processes_;

    int32_t hearthd_ = 0;       ///< 0: none runs
    int32_t rescue_shell_ = 0;  ///< 0: none runs
    unsigned failures_ = 0;     ///< deaths before ready, since the last that was
    int channel_ = -1;
    bool ready_ = false;  ///< the hearthd that runs is
    bool asked_ = false;  ///< it said Take
    bool owes_done_ = false;
    bool behind_ = false;   ///< what is to be told doesn't fit into the channel now
    bool stopped_ = false;  ///< it said Stopped
    int64_t stopped_at_ = 0;
    Verdict verdict_;    ///< what it said with that
    int postponed_ = 0;  ///< a machine's signal that came while no hearthd was ready
    uint32_t ready_before_ = 0;
    int stop_signal_ = 0;  ///< that we were asked to stop by
    int64_t start_at_ = 0;
    int64_t back_off_ = 0;
    bool done_ = false;
    int exit_status_ = 0;

    int program_ = -1;  ///< hearthd, held open: what was ready last, whatever its path is now
    int next_ = -1;     ///< what was asked for in its place; -1: nothing
    int64_t next_patience_ = 0;   ///< milliseconds that it has to become ready
    int64_t next_ends_at_ = 0;    ///< 0: it doesn't run yet
    bool next_was_late_ = false;  ///< and is being killed
    bool owes_failure_ = false;   ///< NotReplaced, to the hearthd that runs now
    bool failed_late_ = false;
    int32_t failed_code_ = 0, failed_status_ = 0;
};

}  // namespace hearth::keeper
