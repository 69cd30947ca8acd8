#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/stats/stats.h"

namespace upgate::stats {

// A registry with rows of these names, in this order, held like those of a gateway.
class TestRows {
 public:
  struct Names {
    std::vector<std::string> listeners;
    std::vector<std::string> routes;
    std::vector<std::pair<std::string, std::string>> servers;  // backend, URL
  };
  TestRows(const Names& names, std::size_t loops)
      : registry_({{"version", "1.2.3"}, {"libuv", "1.44.2"}}, loops) {
    for (const auto& name : names.listeners) rows_.listeners.push_back(registry_.Listener(name));
    for (const auto& name : names.routes) rows_.routes.push_back(registry_.Route(name));
    for (const auto& [backend, url] : names.servers)
      rows_.servers.push_back(registry_.Server(backend, url));
    registry_.SetOrder(rows_);
  }

  Registry& registry() { return registry_; }
  const Registry::Order& rows() const { return rows_; }
  ListenerStats& listener(std::size_t loop, std::size_t i) {
    return rows_.listeners[i]->loops[loop];
  }
  RouteStats& route(std::size_t loop, std::size_t i) { return rows_.routes[i]->loops[loop]; }
  ServerStats& server(std::size_t loop, std::size_t i) { return rows_.servers[i]->loops[loop]; }

 private:
  Registry registry_;
  Registry::Order rows_;
};

}  // namespace upgate::stats
