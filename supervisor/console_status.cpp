// SPDX-License-Identifier: MIT
//
// Status lines on the console of a machine that hearthd boots (units/status_line.hpp). Never waits
// for the console: what it doesn't take at once is lost, and the log has it all.
#include <fcntl.h>
#include <unistd.h>

#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "units/status_line.hpp"

namespace hearth {

void Supervisor::show_status(const Outcome& outcome) const {
    const std::string wanted = options_.manager.show_status.value_or("yes");
    if (options_.role != Role::Machine || wanted == "no") {
        return;
    }
    std::string text;
    for (const JobChange& change : outcome.jobs) {
        const UnitRecord* const record = world_.find(change.job.unit);
        const StatusLine line = record != nullptr ? status_line(*record, change) : StatusLine();
        if (!line.text.empty() && (line.bad || wanted == "yes")) {
            text += line.text + "\r\n";
        }
    }
    if (text.empty()) {
        return;
    }
    if (const auto console = sys::open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK)) {
        (void)!::write(console->number(), text.data(), text.size());
    }
}

}  // namespace hearth
