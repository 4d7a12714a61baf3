// SPDX-License-Identifier: MIT
//
// A launch's failure in words, and what an activation leaves when it is released.
#include <cstring>

#include "supervisor/launch/launcher_run.hpp"
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

void release(Activation& activation) {
    for (const auto& [slot, directory] : activation.directories) {
        // MakePrivateTmp keeps `OUTER/tmp`. What can't be removed (somebody mounted in it) stays:
        // nothing of it is worth failing a stop for.
        static_cast<void>(sys::remove_tree(directory.substr(0, directory.rfind('/'))));
    }
    activation.directories.clear();
    activation.descriptors.clear();
}

}  // namespace hearth::launch
