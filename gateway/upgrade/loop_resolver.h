#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/ref.h"
#include "gateway/base/shared_limit.h"
#include "gateway/config/scalar.h"
#include "gateway/io/network.h"
#include "gateway/plugin/resolver.h"
#include "gateway/upgrade/generation.h"
#include "gateway/upgrade/route_context.h"

namespace upgate::upgrade {

// A route's resolver on one loop: its instance, the answers that may be used again, and the servers
// that answers have led to. Held by the route; on its loop's thread.
class LoopResolver final : public RefCounted, private plugin::ResolverHost {
 public:
  // Of the loop; what is borrowed outlives the resolver.
  struct Place {
    io::Loop loop;
    tls::Scratch& scratch;
    SharedLimit& idle_servers;
    Log& log;
    std::function<void(Task)> post;  // to this loop, from any thread
    std::size_t index;
  };
  LoopResolver(std::shared_ptr<const ResolverRecord> record, std::string route, Place place);
  ~LoopResolver() override;

  const config::Resolver& config() const { return *record_->config; }
  std::unique_ptr<io::Deletable> Ask(const plugin::Question& question, plugin::Reply reply) {
    return instance_->Resolve(question, std::move(reply));
  }

  // The answer to an earlier question with this key; nothing if there is none, or none that is
  // fresh.
  std::string KeyOf(const plugin::Question& question) const {
    return record_->plugin->CacheKey(question);
  }
  std::optional<std::string> FindAnswer(const std::string& key);
  void KeepAnswer(const std::string& key, const plugin::ResolverAnswer& answer);

  // A server at these addresses, which were checked; for a unix socket there are none. Connections
  // to HTTP servers are kept for the next client as far as the backend settings say so.
  // `url` identifies the server, `shown` is what logs and statistics call it.
  Ref<LoopBackend> BackendFor(const std::string& url, const std::string& shown,
                              const config::ServerUrl& server, const std::vector<Ip>& addresses);

 private:
  struct Answer {
    std::string target;
    io::Instant until;
  };
  struct Unwatched final : backend::ServerWatcher {
    void OnServerUp(backend::ServerRecord&) override {}
    void OnServerDown(backend::ServerRecord&, const Error&) override {}
    void OnServerEjected(backend::ServerRecord&, io::Millis, std::string_view) override {}
    void OnServerBack(backend::ServerRecord&) override {}
  };

  io::Loop loop() override { return place_.loop; }
  tls::Scratch& scratch() override { return place_.scratch; }
  Log& log() override { return place_.log; }
  std::size_t loop_index() const override { return place_.index; }
  const std::string& route() const override { return route_; }
  void Post(Task task) override;

  const std::shared_ptr<const ResolverRecord> record_;
  const std::string route_;
  Place place_;
  Unwatched unwatched_;
  const std::shared_ptr<const bool> alive_;  // for tasks; they hold it weakly
  std::unordered_map<std::string, Answer> answers_;
  // Servers whose connections are kept, the one used last in front; by URL and addresses.
  std::list<std::pair<std::string, Ref<LoopBackend>>> kept_;
  std::unique_ptr<plugin::ResolverInstance> instance_;
};

}  // namespace upgate::upgrade
