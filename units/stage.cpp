// SPDX-License-Identifier: MIT
#include "units/stage.hpp"

namespace hearth {

std::string_view name(Stage stage) {
    switch (stage) {
        case Stage::Cgroup:
            return "cgroup";
        case Stage::Signals:
            return "signals";
        case Stage::Session:
            return "session";
        case Stage::Descriptors:
            return "descriptors";
        case Stage::Scheduling:
            return "scheduling";
        case Stage::Keyring:
            return "keyring";
        case Stage::Namespaces:
            return "namespaces";
        case Stage::Mounts:
            return "mounts";
        case Stage::Root:
            return "root";
        case Stage::Hostname:
            return "hostname";
        case Stage::Limits:
            return "limits";
        case Stage::UserNamespace:
            return "user-namespace";
        case Stage::BoundingSet:
            return "bounding-set";
        case Stage::Identity:
            return "identity";
        case Stage::Capabilities:
            return "capabilities";
        case Stage::WorkingDirectory:
            return "working-directory";
        case Stage::NoNewPrivileges:
            return "no-new-privileges";
        case Stage::CloseDescriptors:
            return "close-descriptors";
        case Stage::SignalMask:
            return "signal-mask";
        case Stage::Seccomp:
            return "seccomp";
    }
    return "unknown";
}

}  // namespace hearth
