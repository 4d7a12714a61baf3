// SPDX-License-Identifier: MIT
//
// The life of an automount point (systemd.automount(5)):
//
// dead     There is no automount point.
// waiting  Where= is an autofs mount; whoever enters it waits in the kernel until answered.
// running  The mount unit of the same name was asked for, or is there; after TimeoutIdleSec=
// without
//          use the kernel asks for it to go.
// failed   The automount point could not be made, or the mount was started too often.
//
// Each of the kernel's requests is answered once, whatever becomes of the mount: a process that
// waits for an answer can't be killed before. Pure, called only by the engine, which starts and
// stops the mount.
#pragma once

#include <string>

#include "units/engine.hpp"
#include "units/world.hpp"

namespace hearth {

class AutomountMachine {
public:
    /// `mount`: the mount unit of the same name; null where there is none.
    AutomountMachine(UnitRecord& record, const UnitRecord* mount, Moment now, Outcome& outcome)
        : record_(record), status_(record.status), mount_(mount), now_(now), outcome_(outcome) {}

    void start();
    void stop();
    void forget();  ///< reset-failed
    void mounted(const AutofsMounted& fact);
    /// Somebody else has unmounted the automount point.
    void gone();
    /// False: it is answered already.
    [[nodiscard]] bool asked(const AutofsAsked& fact);
    /// The mount could not be asked for, or not asked to go.
    void refused(const AutofsAsked& fact);
    /// The mount has changed its state, or lost its job.
    void mount_changed();
    void time_elapsed();
    void fail(ServiceResult result, std::string cause);

private:
    void answer(std::vector<std::uint32_t>& tokens, int error);
    void arm();
    void enter(ServiceState state, std::string cause);

    UnitRecord& record_;
    ServiceStatus& status_;
    const UnitRecord* mount_;
    Moment now_;
    Outcome& outcome_;
};

}  // namespace hearth
