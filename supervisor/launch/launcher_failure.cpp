// SPDX-License-Identifier: MIT
//
// A launch's failure in words, and what an activation leaves when it is released.
#include <cstring>

#include "supervisor/launch/launcher_credentials.hpp"
#include "supervisor/launch/launcher_run.hpp"
#include "supervisor/launch/terminal.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::launch {
namespace {

/// `heat.service:14: ReadOnlyPaths=/srv/x: `, as far as it is known.
std::string place(const Asked& asked) {
    std::string text;
    if (!asked.origin.file.empty()) {
        text += asked.origin.file.substr(asked.origin.file.rfind('/') + 1);
        if (asked.origin.line != 0) {
            text += ":" + std::to_string(asked.origin.line);
        }
        text += ": ";
    }
    if (!asked.directive.empty()) {
        text += asked.directive + "=" + asked.value + ": ";
    }
    return text;
}

}  // namespace

std::string error_text(int code) {
    char buffer[128];
    return ::strerror_r(code, buffer, sizeof buffer);  // GNU form; strerror is not thread-safe
}

std::string message(const LaunchFailure& failure) {
    std::string text = place(failure.asked) + "step \"" + failure.step + "\" failed: ";
    if (failure.error == 0) {
        return text + (failure.detail.empty() ? "the process died" : failure.detail);
    }
    text += error_text(failure.error);
    if (!failure.detail.empty()) {
        text += " (" + failure.detail + ")";
    }
    return text;
}

Result<Activation> borrowed(const Activation& activation) {
    Activation lent;
    lent.directories = activation.directories;
    for (const auto& [slot, descriptor] : activation.descriptors) {
        lent.descriptors[slot] = HEARTH_TRY(sys::duplicate(descriptor.number()));
    }
    return lent;
}

std::string private_directory(
    const MakePrivateTmp& preparation, const std::string& unit, const std::string& mark) {
    return preparation.parent + "/hearth-" + unit + "-" + mark + "-" + preparation.slot + "/tmp";
}

void share_directory(Activation& from, Activation& to, const std::string& slot) {
    const auto found = from.directories.find(slot);
    if (found == from.directories.end()) {
        return;
    }
    auto& holders = from.shared_directories[slot];
    if (!holders) {
        holders = std::make_shared<const std::string>(found->second);
    }
    to.directories[slot] = found->second;
    to.shared_directories[slot] = holders;
}

void release(Activation& activation, bool restarts) {
    if (activation.terminal) {
        prepare_terminal(*activation.terminal);
        activation.terminal.reset();
    }
    for (const auto& [slot, directory] : activation.directories) {
        // Released by one worker, one after the other: the last one sees that it is.
        if (const auto shared = activation.shared_directories.find(slot);
            shared != activation.shared_directories.end()) {
            const bool last = shared->second.use_count() == 1;
            activation.shared_directories.erase(shared);
            if (!last) {
                continue;
            }
        }
        // MakePrivateTmp keeps `OUTER/tmp`. What can't be removed (somebody mounted in it) stays:
        // nothing of it is worth failing a stop for.
        static_cast<void>(sys::remove_tree(directory.substr(0, directory.rfind('/'))));
    }
    std::erase_if(activation.runtime_directories, [&](const Activation::RuntimeDirectory& each) {
        if (each.until_stop && restarts) {
            return false;
        }
        static_cast<void>(remove_service_directory(each.made));
        return true;
    });
    if (!activation.credentials.empty()) {
        static_cast<void>(remove_credentials(activation.credentials));
        activation.credentials.clear();
    }
    activation.directories.clear();
    activation.shared_directories.clear();
    activation.descriptors.clear();
}

}  // namespace hearth::launch
