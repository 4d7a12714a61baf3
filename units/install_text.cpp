// SPDX-License-Identifier: MIT
//
// Changes in words: what systemctl prints, and what the bus says.
#include "units/install.hpp"

namespace hearth {

namespace {

using Kind = FileChange::Kind;

std::string in_quotes(const std::string& text) {
    return "\"" + text + "\"";
}

RequestError bad_setting(std::string message) {
    return {"BadUnitSetting", std::move(message)};
}

std::string failure_text(
    const FileChange& change, const std::string& failed, const std::string& path) {
    switch (change.kind) {
        case Kind::Exists:
            return failed + "unit, file " + in_quotes(path) + " already exists" +
                   (change.source.empty()
                        ? "."
                        : " and is a symlink to " + in_quotes(change.source) + ".");
        case Kind::IsMasked:
            return failed + "unit, unit " + path + " is masked.";
        case Kind::Generated:
            return failed + "unit, unit " + path + " is transient or generated.";
        case Kind::Linked:
            return failed + "unit, refusing to operate on linked unit file " + path + ".";
        case Kind::NotFound:
            return failed + "unit, unit " + path + " does not exist.";
        case Kind::Severed:
            return failed + "unit, unit " + path + " is an alias of a unit that does not exist.";
        case Kind::CannotAlias:
            return change.source.empty()
                       ? failed + "unit, invalid unit reference " + in_quotes(path) + "."
                       : failed + "unit, cannot alias " + change.source + " as " + path + ".";
        case Kind::NoTemplate:
            return failed + change.source + ", destination unit " + path +
                   " is a non-template unit.";
        case Kind::InvalidName:
            return failed + "unit, " + in_quotes(path) + " is not a valid unit name.";
        case Kind::InvalidSpecifier:
            return failed + "unit, invalid specifier in " + in_quotes(path) + ".";
        case Kind::UnresolvedSpecifier:
            return failed + "unit, cannot resolve specifiers in " + in_quotes(path) + ".";
        default:
            return failed + "unit, " + in_quotes(path) + ": Invalid argument.";
    }
}

}  // namespace

std::string_view name(FileChange::Kind kind) {
    switch (kind) {
        case Kind::Symlink:
            return "symlink";
        case Kind::Unlink:
            return "unlink";
        case Kind::Masked:
            return "masked";
        case Kind::Dangling:
            return "dangling";
        case Kind::DestinationNotPresent:
            return "destination not present";
        case Kind::AuxiliaryFailed:
            return "auxiliary unit failed";
        default:
            return "";
    }
}

RequestError to_error(const FileChange& failure, const std::string& root) {
    const bool is_path = failure.path.starts_with('/');
    const std::string path = (is_path ? root : std::string()) + failure.path;
    switch (failure.kind) {
        case Kind::Exists:
            return {
                "UnitExists",
                "File " + path + " already exists" +
                    (failure.source.empty() ? "."
                                            : " and is a symlink to " + failure.source + ".")};
        case Kind::IsMasked:
            return {"UnitMasked", "Unit file " + path + " is masked."};
        case Kind::Generated:
            return {"UnitGenerated", "Unit " + path + " is transient or generated."};
        case Kind::Linked:
            return {"UnitLinked", "Refusing to operate on alias name or linked unit file: " + path};
        case Kind::NotFound:
            return {"NoSuchUnit", "Unit file " + path + " does not exist."};
        case Kind::Severed:
            return {
                "NoSuchUnit", "Unit file " + path + " is an alias of a unit that does not exist."};
        case Kind::CannotAlias:
            return bad_setting(
                failure.source.empty() ? "Invalid unit reference " + path + "."
                                       : "Cannot alias " + failure.source + " as " + path + ".");
        case Kind::NoTemplate:
            return bad_setting(
                "Cannot enable " + failure.source + ": destination unit " + path +
                " is a non-template unit.");
        case Kind::InvalidSpecifier:
            return bad_setting("Invalid specifier in \"" + path + "\".");
        case Kind::UnresolvedSpecifier:
            return bad_setting("Cannot resolve specifiers in \"" + path + "\".");
        case Kind::InvalidName:
            return bad_setting("\"" + path + "\" is not a valid unit name.");
        default:
            return {
                "org.freedesktop.DBus.Error.InvalidArgs",
                "\"" + path +
                    "\" is not what this verb takes: expected the name of a unit, or "
                    "the absolute path of a unit file to link"};
    }
}

std::string describe(const FileChange& change, std::string_view verb, const std::string& root) {
    const auto rooted = [&](const std::string& path) {
        return path.starts_with('/') ? root + path : path;
    };
    const std::string path = rooted(change.path);
    switch (change.kind) {
        case Kind::Symlink:
            return "Created symlink " + path + " → " + change.source + ".";
        case Kind::Unlink:
            return "Removed " + in_quotes(path) + ".";
        case Kind::Masked:
            return "Unit " + path + " is masked, ignoring.";
        case Kind::Dangling:
            return "Unit " + path + " is an alias to a unit that is not present, ignoring.";
        case Kind::DestinationNotPresent:
            return "Unit " + rooted(change.source) +
                   " is added as a dependency to a non-existent unit " + path + ".";
        case Kind::AuxiliaryFailed:
            return "Failed to enable auxiliary unit " + path + ", ignoring.";
        default:
            return failure_text(change, "Failed to " + std::string(verb) + " ", path);
    }
}

}  // namespace hearth
