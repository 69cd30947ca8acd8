// The time that it takes to find a route, by the number of routes. Each request is for another one,
// in an order that no cache foresees.
//   build/release/tests/bench/route
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gateway/config/scalar.h"
#include "gateway/route/router.h"

namespace upgate::bench {
namespace {

struct Table {
  std::vector<config::Route> routes;
  std::vector<std::pair<std::string, std::string>> requests;  // host and path

  void Add(const std::string& path, const std::string& host, std::string asked_path,
           std::string asked_host) {
    config::Route& route = routes.emplace_back();
    route.index = routes.size() - 1;
    route.path = config::Syntax<config::PathPattern>::Read(path).value();
    if (!host.empty())
      route.hosts.push_back(config::Syntax<config::HostPattern>::Read(host).value());
    requests.emplace_back(std::move(asked_host), std::move(asked_path));
  }
};

std::string Name(int i) {
  return "service-" + std::to_string(i * 7919 % 100'003);
}

Table Exact(int count) {
  Table table;
  for (int i = 0; i < count; ++i)
    table.Add("/api/" + Name(i), "", "/api/" + Name(i), "app.example.com");
  return table;
}

Table Prefixes(int count) {
  Table table;
  for (int i = 0; i < count; ++i)
    table.Add("/api/" + Name(i) + "/*", "", "/api/" + Name(i) + "/some/thing", "app.example.com");
  return table;
}

Table Hosts(int count) {
  Table table;
  for (int i = 0; i < count; ++i)
    table.Add("/*", Name(i) + ".example.com", "/some/thing", Name(i) + ".example.com");
  return table;
}

void LookUp(benchmark::State& state, Table (*make)(int)) {
  Table table = make(static_cast<int>(state.range(0)));
  const route::Router router(table.routes);
  // Each as often as in a large table, so that the requests themselves cost the same.
  std::vector<std::pair<std::string, std::string>> requests;
  while (requests.size() < 10'000)
    requests.insert(requests.end(), table.requests.begin(), table.requests.end());
  std::shuffle(requests.begin(), requests.end(), std::mt19937(1));
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& [host, path] = requests[next];
    const config::Route* route = router.Find(host, path);
    if (route == nullptr) state.SkipWithError("no route");
    benchmark::DoNotOptimize(route);
    if (++next == requests.size()) next = 0;
  }
}

void Counts(benchmark::internal::Benchmark* bench) {
  for (const int count : {10, 100, 1000, 10'000}) bench->Arg(count);
}

BENCHMARK_CAPTURE(LookUp, exact, Exact)->Apply(Counts);
BENCHMARK_CAPTURE(LookUp, prefix, Prefixes)->Apply(Counts);
BENCHMARK_CAPTURE(LookUp, host, Hosts)->Apply(Counts);

}  // namespace
}  // namespace upgate::bench

BENCHMARK_MAIN();
