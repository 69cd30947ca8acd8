#include "gateway/app/stop_report.h"

#include <gtest/gtest.h>

#include "tests/support/capture_log.h"
#include "tests/support/fake_timers.h"

namespace upgate::app {
namespace {

TEST(StopReportTest, ReportsWhatIsPendingUntilNothingIs) {
  test::FakeTimers timers;
  test::CaptureLog log;
  stats::Registry registry({}, 2);
  const auto listener = registry.Listener("127.0.0.1:80");
  const auto a = registry.Route("/a");
  const auto b = registry.Route("/b");
  const auto c = registry.Route("/c");
  registry.SetOrder({.listeners = {listener}, .routes = {a, b, c}, .servers = {}});
  a->loops[0].sessions_open.Add(2);
  a->loops[1].sessions_open.Add(1);
  c->loops[1].sessions_open.Add(4);
  listener->loops[0].connections_open.Add(5);
  StopReport report(timers, registry, log);
  timers.Advance(2 * StopReport::kInterval);
  EXPECT_EQ(log.Count("still stopping"), 0u) << "it has not begun";

  report.Begin();
  timers.Advance(StopReport::kInterval);
  EXPECT_EQ(log.Count("still stopping"), 1u);
  EXPECT_EQ(log.Last("still stopping", "sessions"), "7");
  EXPECT_EQ(log.Last("still stopping", "sessions_by_route"), "/a: 3, /c: 4");
  EXPECT_EQ(log.Last("still stopping", "connections"), "5");

  a->loops[0].sessions_open.Subtract(2);
  a->loops[1].sessions_open.Subtract(1);
  c->loops[1].sessions_open.Subtract(4);
  timers.Advance(StopReport::kInterval);
  EXPECT_EQ(log.Last("still stopping", "sessions"), "0");
  EXPECT_EQ(log.Last("still stopping", "connections"), "5");

  listener->loops[0].connections_open.Subtract(5);
  timers.Advance(2 * StopReport::kInterval);
  EXPECT_EQ(log.Count("still stopping"), 2u);
  EXPECT_EQ(timers.armed(), 0u);
}

}  // namespace
}  // namespace upgate::app
