// The example resolver of docs/plugins.md, in a whole gateway.
#include "docs/examples/numbered/numbered.h"

#include <string>

#include <gtest/gtest.h>

#include "plugins/builtins.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test::numbered_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"(
routes:
  - path: /vm
    resolver: numbered
    options: { host: 127.0.0.1, first: 7000, count: 10, delay: 1s, allow: [ "127.0.0.1:7000-7009" ] }
)";

void RegisterNumbered(plugin::Registry& registry) {
  registry.AddResolver("numbered", examples::MakeNumbered);
}

TEST(NumberedTest, LeadsToTheMachineOfTheNumber) {
  TestGateway gw(kConfig, {}, io::kShare, RegisterNumbered);
  TestServer seven(gw.network(), Address("127.0.0.1:7007"));
  auto client = gw.Connect();
  client.Upgrade("/vm?token=7");
  gw.loop().Advance(2s);
  EXPECT_EQ(client.Head().status, 101);
  EXPECT_EQ(seven.size(), 1u);
  client.peer().Close();
  gw.loop().Advance(10s);
}

TEST(NumberedTest, OtherTokensAreUnknown) {
  for (const std::string token : {"10", "-1", "7x", "..", "99999999999999999999"}) {
    TestGateway gw(kConfig, {}, io::kShare, RegisterNumbered);
    auto client = gw.Connect();
    client.Upgrade("/vm?token=" + token);
    gw.loop().Advance(2s);
    EXPECT_EQ(client.Head().status, 404) << token;
    client.peer().Close();
    gw.loop().Advance(10s);
  }
}

// The timer of a look-up that goes on would fail the test.
TEST(NumberedTest, AClientThatGoesAwayCancelsItsLookUp) {
  TestGateway gw(kConfig, {}, io::kShare, RegisterNumbered);
  auto client = gw.Connect();
  client.Upgrade("/vm?token=7");
  client.peer().Reset();
  gw.loop().RunUntilIdle();
}

}  // namespace
}  // namespace upgate::test::numbered_test
