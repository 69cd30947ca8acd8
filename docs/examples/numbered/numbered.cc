#include "docs/examples/numbered/numbered.h"

#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

namespace upgate::examples {
namespace {

struct Settings {
  std::string host;
  std::uint16_t first = 5900;
  std::uint16_t count = 100;
  config::Millis delay{0};
};

// A look-up that is under way. The gateway destroys it once nobody waits any more.
class LookUp final : public io::Deletable, private io::Timer::Owner {
 public:
  LookUp(io::Timers& timers, io::Millis delay, plugin::ResolverAnswer answer, plugin::Reply reply)
      : answer_(std::move(answer)), reply_(std::move(reply)), timer_(timers, *this) {
    timer_.Arm(delay);
  }

 private:
  void OnTimer(io::Timer&) override { reply_(std::move(answer_)); }

  plugin::ResolverAnswer answer_;
  const plugin::Reply reply_;
  io::Timer timer_;
};

// The resolver's instance on one loop. Runs only on that loop's thread, so it needs no locks.
class Instance final : public plugin::ResolverInstance {
 public:
  Instance(const Settings& settings, io::Loop loop) : settings_(settings), loop_(loop) {}

  std::unique_ptr<io::Deletable> Resolve(const plugin::Question& question,
                                         plugin::Reply reply) override {
    plugin::ResolverAnswer answer = AnswerTo(question.token);
    if (settings_.delay.count() > 0) {
      return std::make_unique<LookUp>(loop_.timers, settings_.delay, std::move(answer),
                                      std::move(reply));
    }
    reply(std::move(answer));
    return nullptr;  // there is nothing to cancel
  }

 private:
  // The token is whatever the client sent.
  plugin::ResolverAnswer AnswerTo(std::string_view token) const {
    std::uint32_t number = 0;
    const char* const end = token.data() + token.size();
    const auto read = std::from_chars(token.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end || number >= settings_.count)
      return plugin::Unknown();
    return plugin::Found(settings_.host + ":" + std::to_string(settings_.first + number));
  }

  const Settings& settings_;
  io::Loop loop_;
};

// The resolver as configured by one route; shared by all loops.
class Numbered final : public plugin::Resolver {
 public:
  explicit Numbered(Settings settings) : settings_(std::move(settings)) {}

  std::unique_ptr<plugin::ResolverInstance> Start(plugin::ResolverHost& host) const override {
    return std::make_unique<Instance>(settings_, host.loop());
  }
  std::string Describe() const override {
    return settings_.host + ", " + std::to_string(settings_.count) + " machines";
  }

 private:
  const Settings settings_;
};

}  // namespace

std::unique_ptr<plugin::Resolver> MakeNumbered(plugin::ResolverSetup setup) {
  Settings settings;
  settings.host = setup.options["host"].Required<config::HostName>().text;
  settings.first = setup.options["first"].Optional(settings.first, {1, 60'000});
  settings.count = setup.options["count"].Optional(settings.count, {1, 5'000});
  settings.delay =
      setup.options["delay"].Optional(settings.delay, {config::Millis{0}, config::Millis{60'000}});
  setup.options.RejectUnknownKeys();
  return std::make_unique<Numbered>(std::move(settings));
}

}  // namespace upgate::examples
