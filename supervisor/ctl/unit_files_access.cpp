// SPDX-License-Identifier: MIT

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/unit_files.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/unit_files/load_context.hpp"

namespace hearth::ctl {

namespace {

std::string without_slash(std::string path) {
    while (!path.empty() && path.back() == '/') {
        path.pop_back();
    }
    return path;
}

template <class Value>
Result<Value> told(Result<Value, RequestError> answer) {
    return answer ? Result<Value>(std::move(*answer)) : failure(answer.error().message);
}

/// What stands there boots by itself one day.
LoadContext machine_at(const std::string& root) {
    LoadContext context = gather_load_context(false, {}, root);
    context.guest = false;
    return context;
}

/// The tree below --root=.
class Offline final : public UnitFiles {
public:
    explicit Offline(std::string root)
        : files_(unit_directories(offline_unit_path(), "/run/hearth"), machine_at(root), root),
          root_(std::move(root)) {}

    Result<InstallPlan> change(const UnitFileRequest& request) override {
        InstallPlan plan = plan_unit_files(files_.read(request.names), request);
        if (auto done = files_.carry_out(plan.changes); !done) {
            return failure(done.error().message);
        }
        return plan;
    }
    Result<std::string> state(const std::string& unit) override {
        return told(enabled_state(files_.read(), unit));
    }
    Result<std::string> default_target() override {
        return told(hearth::default_target(files_.read()));
    }
    Result<std::vector<UnitFileState>> all() override { return unit_file_states(files_.read()); }
    std::vector<PresetRule> presets() override {
        return read_preset_files(offline_unit_path(), root_);
    }

private:
    InstallFiles files_;
    std::string root_;
};

/// How a verb is called on the bus: its arguments beside the names.
struct Method {
    const char* name;
    bool runtime = true, force = true, informs = false;  ///< informs: the reply begins with a `b`
};
Method method_of(UnitFileVerb verb) {
    switch (verb) {
        case UnitFileVerb::Enable:
            return {"EnableUnitFiles", true, true, true};
        case UnitFileVerb::Disable:
            return {"DisableUnitFilesWithFlags", false, false};
        case UnitFileVerb::Reenable:
            return {"ReenableUnitFiles", true, true, true};
        case UnitFileVerb::Link:
            return {"LinkUnitFiles"};
        case UnitFileVerb::Preset:
            return {"PresetUnitFilesWithMode", true, true, true};
        case UnitFileVerb::PresetAll:
            return {"PresetAllUnitFiles"};
        case UnitFileVerb::Mask:
            return {"MaskUnitFiles"};
        case UnitFileVerb::Unmask:
            return {"UnmaskUnitFiles", true, false};
        case UnitFileVerb::Revert:
            return {"RevertUnitFiles", false, false};
        case UnitFileVerb::SetDefault:
            return {"SetDefaultTarget", false, true};
        case UnitFileVerb::AddWants:
        case UnitFileVerb::AddRequires:
            return {"AddDependencyUnitFiles"};
    }
    return {""};
}

FileChange::Kind kind_of(const std::string& text) {
    using enum FileChange::Kind;
    for (const FileChange::Kind kind :
         {Symlink, Unlink, Masked, Dangling, DestinationNotPresent, AuxiliaryFailed}) {
        if (text == name(kind)) {
            return kind;
        }
    }
    return Masked;
}

class Online final : public UnitFiles {
public:
    explicit Online(Client client) : client_(std::move(client)) {}

    Result<InstallPlan> change(const UnitFileRequest& request) override {
        const Method method = method_of(request.verb);
        const auto call =
            client_.new_call(manager_path, "org.freedesktop.systemd1.Manager", method.name);
        if (!call || append(call->get(), request, method) < 0) {
            return failure("the request can't be built: a name is not UTF-8");
        }
        const auto reply = client_.send(*call);
        if (!reply) {
            return failure(reply.error().message);
        }
        InstallPlan plan;
        int informed = 1;
        if (method.informs && sd_bus_message_read(reply->get(), "b", &informed) < 0) {
            return failure("unreadable answer");
        }
        plan.carries_install_information = informed != 0;
        const auto rows = read_value(reply->get());
        for (const Value& row : rows ? rows->members : std::vector<Value>()) {
            plan.changes.push_back(
                {kind_of(row.members[0].text), row.members[1].text, row.members[2].text});
        }
        return plan;
    }
    Result<std::string> state(const std::string& unit) override {
        return text(client_.manager("GetUnitFileState", "s", unit.c_str()));
    }
    Result<std::string> default_target() override {
        return text(client_.manager("GetDefaultTarget", ""));
    }
    Result<std::vector<UnitFileState>> all() override {
        auto reply = client_.manager("ListUnitFiles", "");
        if (!reply) {
            return failure(reply.error().message);
        }
        const Value rows = HEARTH_TRY(read_value(reply->get()));
        std::vector<UnitFileState> states;
        for (const Value& row : rows.members) {
            states.push_back({row.members[0].text, row.members[1].text});
        }
        return states;
    }
    std::vector<PresetRule> presets() override {
        std::vector<std::string> path;
        const auto value =
            client_.property(manager_path, "org.freedesktop.systemd1.Manager", "UnitPath");
        for (const Value& each : value ? value->members : std::vector<Value>()) {
            path.push_back(each.text);
        }
        return read_preset_files(path, {});
    }

private:
    static Result<std::string> text(Result<Message, CallError> reply) {
        if (!reply) {
            return failure(reply.error().message);
        }
        return HEARTH_TRY(read_value(reply->get())).text;
    }

    static int append(sd_bus_message* call, const UnitFileRequest& request, const Method& method) {
        const std::string mode = request.mode == PresetMode::Full         ? "full"
                                 : request.mode == PresetMode::EnableOnly ? "enable-only"
                                                                          : "disable-only";
        int result = 0;
        if (request.verb == UnitFileVerb::SetDefault) {
            result = sd_bus_message_append(call, "s", request.names.front().c_str());
        } else if (request.verb != UnitFileVerb::PresetAll) {
            result = append_strings(call, request.names);
        }
        if (result >= 0 && request.verb == UnitFileVerb::Disable) {
            result = sd_bus_message_append(
                call, "t", static_cast<std::uint64_t>(request.runtime ? 1 : 0));
        }
        if (result >= 0 &&
            (request.verb == UnitFileVerb::Preset || request.verb == UnitFileVerb::PresetAll)) {
            result = sd_bus_message_append(call, "s", mode.c_str());
        }
        if (result >= 0 &&
            (request.verb == UnitFileVerb::AddWants || request.verb == UnitFileVerb::AddRequires)) {
            const bool wants = request.verb == UnitFileVerb::AddWants;
            result = sd_bus_message_append(
                call, "ss", request.target.c_str(), wants ? "Wants" : "Requires");
        }
        if (result >= 0 && method.runtime) {
            result = sd_bus_message_append(call, "b", request.runtime ? 1 : 0);
        }
        if (result >= 0 && method.force) {
            result = sd_bus_message_append(call, "b", request.force ? 1 : 0);
        }
        return result;
    }

    Client client_;
};

}  // namespace

std::unique_ptr<UnitFiles> unit_files(const Arguments& arguments) {
    if (!arguments.root.empty()) {
        if (!sys::stat(arguments.root)) {
            complain("--root=" + arguments.root + ": No such directory");
            return nullptr;
        }
        return std::make_unique<Offline>(without_slash(arguments.root));
    }
    auto client = connect(arguments);
    if (!client) {
        return nullptr;
    }
    return std::make_unique<Online>(std::move(*client));
}

}  // namespace hearth::ctl
