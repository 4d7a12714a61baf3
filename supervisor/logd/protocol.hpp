// SPDX-License-Identifier: MIT
//
// What hearthd and hearth-logd say to each other: one message per packet of a SOCK_SEQPACKET
// socketpair that hearth-logd inherits by number (`--control-fd N`). OpenStream carries the read
// end of a pipe by SCM_RIGHTS and is not answered; Flush and StatsRequest are answered with the
// same serial. Encoding: version, type, serial, then fields; native byte order, for both ends run
// on one machine. Pure: bytes in, bytes out. A packet that isn't understood is an error value,
// never a crash.
//
// Also the line format of the files, `LOGDIR/UNIT.log`, one line per line of the service:
//     2026-11-22T12:34:56.123456Z IDENTIFIER: text          the line, or the last piece of a long
//     one 2026-11-22T12:34:56.123456Z IDENTIFIER+ text          a piece of a line over 48 KiB that
//     goes on
// The time is UTC, when hearth-logd read the line. Text is kept byte by byte, whatever its
// encoding. An identifier holds neither spaces nor control characters, so the text begins behind
// the second space. Lines of IDENTIFIER `hearth-logd` are its own: how many lines were dropped, and
// why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "parser/result.hpp"

namespace hearth::logd {

inline constexpr std::size_t longest_line = std::size_t{48} * 1024;
inline constexpr std::size_t longest_packet = 8192;
inline constexpr std::string_view own_identifier = "hearth-logd";
/// As a directory: there is none to be written to, and lines that come are for others alone.
inline constexpr std::string_view no_directory = "-";

struct OpenStream {          ///< with one descriptor: the read end
    std::string unit;        ///< names the file
    std::string identifier;  ///< SyslogIdentifier=, or the name of the program
    std::string invocation;  ///< 32 hex digits, may be empty
    bool operator==(const OpenStream&) const = default;
};
/// Everything written to a pipe before this was sent is in its file (or known not to be) when
/// Flushed comes. A last line without its newline stays in memory until the newline or the end.
struct Flush {
    bool operator==(const Flush&) const = default;
};
struct Flushed {
    std::string error;  ///< why some lines could not be stored; empty: all are
    bool operator==(const Flushed&) const = default;
};
struct StatsRequest {
    std::string unit;  ///< empty: the sum over all units
    bool operator==(const StatsRequest&) const = default;
};
struct Stats {
    std::uint64_t streams = 0;         ///< pipes that are open
    std::uint64_t lines = 0;           ///< taken over since hearth-logd knows the unit
    std::uint64_t dropped_lines = 0;   ///< of those that came and were not taken
    std::uint64_t buffered_bytes = 0;  ///< not yet in the file
    std::string error;                 ///< the last attempt to write failed so
    bool operator==(const Stats&) const = default;
};

struct Message {
    std::uint32_t serial = 0;
    std::variant<OpenStream, Flush, Flushed, StatsRequest, Stats> body;
    bool operator==(const Message&) const = default;
};

[[nodiscard]] std::string encode(const Message& message);
[[nodiscard]] Result<Message> decode(std::string_view packet);

/// A unit name that can name a file: not empty, at most 250 bytes, no '/', no NUL, no leading '.'.
[[nodiscard]] bool is_valid_unit(std::string_view unit);
/// The identifier as lines show it: spaces and control characters become '_', cut at 128 bytes.
[[nodiscard]] std::string shown_identifier(std::string_view identifier);
/// LOGDIR/UNIT.log
[[nodiscard]] std::string log_path(std::string_view directory, std::string_view unit);

}  // namespace hearth::logd
