// SPDX-License-Identifier: MIT
//
// A ValueSink that writes what it gets as text, for tests: `t 5`, `s "a"`, `as ["a","b"]`,
// `(sb) ("x",true)`. The signature stands once, before the outermost value; several values are
// separated by a space. It also watches the caller: signatures_match() is false if a value is not
// of the type that the open container announced, or if containers are left open.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parser/value_sink.hpp"

namespace hearth {

class ValueRecorder final : public ValueSink {
public:
    void boolean(bool value) override { add("b", value ? "true" : "false"); }
    void byte(std::uint8_t value) override { add("y", std::to_string(value)); }
    void unsigned16(std::uint16_t value) override { add("q", std::to_string(value)); }
    void signed32(std::int32_t value) override { add("i", std::to_string(value)); }
    void unsigned32(std::uint32_t value) override { add("u", std::to_string(value)); }
    void signed64(std::int64_t value) override { add("x", std::to_string(value)); }
    void unsigned64(std::uint64_t value) override { add("t", std::to_string(value)); }
    void real(double value) override { add("d", std::to_string(value)); }
    void string(std::string_view value) override { add("s", in_quotes(value)); }
    void object_path(std::string_view value) override { add("o", in_quotes(value)); }

    void open_array(std::string_view element_signature) override {
        open("a" + std::string(element_signature), '[', element_signature, true);
    }
    void close_array() override { close(']'); }
    void open_struct(std::string_view member_signature) override {
        open("(" + std::string(member_signature) + ")", '(', member_signature, false);
    }
    void close_struct() override { close(')'); }

    /// All that was written.
    [[nodiscard]] const std::string& text() const { return text_; }

    /// The signature of all complete values, one after the other.
    [[nodiscard]] const std::string& signature() const { return signature_; }

    [[nodiscard]] bool signatures_match() const { return matches_ && open_.empty(); }

private:
    struct Container {
        std::string announced;
        bool is_array = false;
        std::string seen;
    };

    void begin(std::string_view type) {
        if (open_.empty()) {
            text_ += text_.empty() ? "" : " ";
            text_ += type;
            text_ += ' ';
            signature_ += type;
            return;
        }
        Container& container = open_.back();
        if (!container.seen.empty()) {
            text_ += ',';
        }
        if (container.is_array) {
            matches_ = matches_ && container.announced == type;
            container.seen = type;
        } else {
            container.seen += type;
            matches_ = matches_ && container.announced.starts_with(container.seen);
        }
    }

    void add(std::string_view type, std::string_view value) {
        begin(type);
        text_ += value;
    }

    void open(const std::string& type, char bracket, std::string_view announced, bool is_array) {
        begin(type);
        text_ += bracket;
        open_.push_back({std::string(announced), is_array, {}});
    }

    void close(char bracket) {
        text_ += bracket;
        if (open_.empty()) {
            matches_ = false;
            return;
        }
        const Container& container = open_.back();
        matches_ = matches_ && container.is_array == (bracket == ']') &&
                   (container.is_array || container.seen == container.announced);
        open_.pop_back();
    }

    static std::string in_quotes(std::string_view value) {
        std::string out = "\"";
        for (const char byte : value) {
            if (byte == '"' || byte == '\\') {
                out += '\\';
            }
            out += byte;
        }
        out += '"';
        return out;
    }

    std::string text_;
    std::string signature_;
    std::vector<Container> open_;
    bool matches_ = true;
};

}  // namespace hearth
