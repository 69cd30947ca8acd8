#include "plugins/broadcast/broadcast.h"

#include <utility>

#include "plugins/broadcast/hub.h"
#include "plugins/broadcast/options.h"

namespace upgate::plugins {
namespace {

using broadcast::Options;

constexpr config::Range<config::ByteSize> kQueueRange{{64 * 1024}, {64 * 1024 * 1024}};

class Broadcast final : public plugin::Service {
 public:
  explicit Broadcast(const Options& options) : options_(options) {}

  bool serves_http() const override { return options_.http_publish; }
  bool serves_websocket() const override { return true; }
  std::unique_ptr<plugin::Instance> Start(plugin::Host& host) const override {
    return std::make_unique<broadcast::Hub>(host, options_);
  }

 private:
  const Options options_;
};

}  // namespace

std::unique_ptr<plugin::Service> MakeBroadcast(plugin::ServiceSetup setup) {
  config::Field& field = setup.options;
  Options options;
  options.to_sender = field["to_sender"].Optional(options.to_sender);
  options.clients_publish = field["clients_publish"].Optional(options.clients_publish);
  options.http_publish = field["http_publish"].Optional(options.http_publish);
  options.queue = field["queue"].Optional(config::ByteSize{options.queue}, kQueueRange).bytes;
  options.message_size = setup.limits.message_size;
  if (!options.clients_publish && !options.http_publish) {
    field["clients_publish"].Error(
        "nobody could publish; set clients_publish or http_publish to true");
  }
  field.RejectUnknownKeys();
  return std::make_unique<Broadcast>(options);
}

}  // namespace upgate::plugins
