// SPDX-License-Identifier: MIT
#include "supervisor/logd/protocol.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace hearth::logd {
namespace {

constexpr std::uint32_t version = 1;
enum class Type : std::uint32_t { OpenStream = 1, Flush, Flushed, StatsRequest, Stats };

class Encoder {
public:
    explicit Encoder(std::uint32_t serial) { number(version), number(serial); }
    void operator()(const OpenStream& body) {
        type(Type::OpenStream), text(body.unit), text(body.identifier), text(body.invocation);
    }
    void operator()(const Flush&) { type(Type::Flush); }
    void operator()(const Flushed& body) { type(Type::Flushed), text(body.error); }
    void operator()(const StatsRequest& body) { type(Type::StatsRequest), text(body.unit); }
    void operator()(const Stats& body) {
        type(Type::Stats);
        number(body.streams), number(body.lines), number(body.dropped_lines);
        number(body.buffered_bytes), text(body.error);
    }
    std::string bytes() && { return std::move(bytes_); }

private:
    template <class Number>
    void number(Number value) {
        char raw[sizeof value];
        std::memcpy(raw, &value, sizeof value);
        bytes_.append(raw, sizeof raw);
    }
    void type(Type value) { number(static_cast<std::uint32_t>(value)); }
    void text(const std::string& value) {
        number(static_cast<std::uint32_t>(value.size()));
        bytes_ += value;
    }
    std::string bytes_;
};

/// Takes fields off the front; after the first that is missing everything is empty and ok() false.
class Decoder {
public:
    explicit Decoder(std::string_view bytes) : rest_(bytes) {}
    template <class Number>
    Number number() {
        Number value{};
        if (ok_ = ok_ && rest_.size() >= sizeof value; ok_) {
            rest_.copy(reinterpret_cast<char*>(&value), sizeof value);
            rest_.remove_prefix(sizeof value);
        }
        return value;
    }
    std::string text() {
        const auto size = number<std::uint32_t>();
        if (ok_ = ok_ && rest_.size() >= size; !ok_) {
            return {};
        }
        std::string value(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return value;
    }
    [[nodiscard]] bool whole() const { return ok_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool ok_ = true;
};

Stats stats(Decoder& fields) {
    Stats body;
    body.streams = fields.number<std::uint64_t>();
    body.lines = fields.number<std::uint64_t>();
    body.dropped_lines = fields.number<std::uint64_t>();
    body.buffered_bytes = fields.number<std::uint64_t>();
    body.error = fields.text();
    return body;
}

}  // namespace

std::string encode(const Message& message) {
    Encoder encoder(message.serial);
    std::visit(encoder, message.body);
    return std::move(encoder).bytes();
}

Result<Message> decode(std::string_view packet) {
    Decoder fields(packet);
    if (const auto found = fields.number<std::uint32_t>(); found != version) {
        return failure(
            "log protocol version " + std::to_string(found) + ", expected " +
            std::to_string(version) + ": hearthd and hearth-logd must be of one installation");
    }
    Message message;
    message.serial = fields.number<std::uint32_t>();
    const auto type = fields.number<std::uint32_t>();
    switch (static_cast<Type>(type)) {
        case Type::OpenStream: {
            OpenStream body;
            body.unit = fields.text();
            body.identifier = fields.text();
            body.invocation = fields.text();
            message.body = std::move(body);
            break;
        }
        case Type::Flush:
            message.body = Flush{};
            break;
        case Type::Flushed:
            message.body = Flushed{fields.text()};
            break;
        case Type::StatsRequest:
            message.body = StatsRequest{fields.text()};
            break;
        case Type::Stats:
            message.body = stats(fields);
            break;
        default:
            return failure("log message of unknown type " + std::to_string(type));
    }
    if (!fields.whole()) {
        return failure("log message of type " + std::to_string(type) + " has a wrong size");
    }
    return message;
}

bool is_valid_unit(std::string_view unit) {
    return !unit.empty() && unit.size() <= 250 && unit.front() != '.' &&
           unit.find('/') == std::string_view::npos && unit.find('\0') == std::string_view::npos;
}

std::string shown_identifier(std::string_view identifier) {
    std::string shown(identifier.substr(0, 128));
    std::ranges::replace_if(
        shown, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }, '_');
    return shown.empty() ? "_" : shown;
}

std::string log_path(std::string_view directory, std::string_view unit) {
    std::string path(directory);
    path += '/';
    path += unit;
    path += ".log";
    return path;
}

}  // namespace hearth::logd
