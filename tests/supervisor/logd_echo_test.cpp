// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "supervisor/logd/echo.hpp"

namespace {

using hearth::logd::Echo;
using hearth::logd::echoed;
using hearth::logd::EchoForm;

TEST(LogEcho, PlainLinesHaveTheUnitsName) {
    EXPECT_EQ(
        echoed(
            EchoForm::Plain,
            "a.service",
            "2026-11-22T12:34:56.123456Z id: one two\n2026-11-22T12:34:56.123456Z id: \n"
            "2026-11-22T12:34:56.123456Z hearth-logd: 3 lines dropped\n"),
        "a.service: one two\na.service: \nhearth-logd: 3 lines dropped\n");
}

TEST(LogEcho, JsonIsOneObjectPerLine) {
    EXPECT_EQ(
        echoed(EchoForm::Json, "a.service", "T id: say \"x\"\\\x01\xff\xc3\xa4\nT id+ part\n"),
        "{\"time\":\"T\",\"unit\":\"a.service\",\"identifier\":\"id\",\"message\":\"say "
        "\\\"x\\\"\\\\\\u0001\\ufffd\xc3\xa4\"}\n"
        "{\"time\":\"T\",\"unit\":\"a.service\",\"identifier\":\"id\",\"message\":\"part\","
        "\"partial\":true}\n");
}

TEST(LogEcho, WhatDoesNotFitIsCounted) {
    ::signal(SIGPIPE, SIG_IGN);  // as hearth-logd has it
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    {
        Echo echo(ends[1], EchoForm::Plain);
        const std::string line = "T id: " + std::string(1000, 'x') + "\n";
        for (int index = 0; index < 2000; ++index) {
            echo.add("a.service", line);
        }
        EXPECT_GT(echo.dropped(), 500U);
        ::close(ends[0]);  // nobody will ever read it
    }
    ::close(ends[1]);
}

}  // namespace
