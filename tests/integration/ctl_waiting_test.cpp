// SPDX-License-Identifier: MIT
//
// hearthctl waits two seconds for a hearthd that went away: too long for the unit tests.
#include "tests/support/ctl_fixture.hpp"

namespace hearth::test {
namespace {

class CtlWaiting : public CtlFixture {
protected:
    void SetUp() override {
        CtlFixture::SetUp();
        control.add("cold.service");
        serve();
    }
};

TEST_F(CtlWaiting, NoticesThatHearthdWentAway) {
    control.finish_at_once = false;
    meanwhile = [&] {
        if (!control.state.jobs.empty()) {
            server.reset();
        }
    };
    const Ended ended = hearthctl("start", {"cold"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_NE(ended.err.find("hearthd"), std::string::npos) << ended.err;
}

}  // namespace
}  // namespace hearth::test
