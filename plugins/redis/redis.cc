#include "plugins/redis/redis.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/config/resolver_keys.h"
#include "gateway/config/scalar.h"
#include "plugins/redis/client.h"
#include "plugins/target_value/target_value.h"

namespace upgate::plugins {
namespace {

constexpr std::string_view kTokenPlace = "{token}";
constexpr std::uint32_t kMostDatabases = 65'535;

struct RedisOptions {
  RedisSettings server;
  std::string before, after;  // the token, in the key
};

plugin::ResolverAnswer AnswerOf(RedisResult result) {
  if (!result) return plugin::Failed(std::move(result.error()));
  if (!*result) return plugin::Unknown();
  auto target = TargetOfValue(**result);
  if (!target) return plugin::Failed("redis has a value that is no target: " + target.error());
  return plugin::Found(std::move(*target));
}

class RedisInstance final : public plugin::ResolverInstance {
 public:
  RedisInstance(const RedisOptions& options, plugin::ResolverHost& host)
      : options_(options), client_(options.server, host.loop(), host.scratch()) {}

  std::unique_ptr<io::Deletable> Resolve(const plugin::Question& question,
                                         plugin::Reply reply) override {
    const std::string key = options_.before + std::string(question.token) + options_.after;
    return client_.Get(key, [reply](RedisResult result) { reply(AnswerOf(std::move(result))); });
  }

 private:
  const RedisOptions& options_;
  RedisClient client_;
};

class Redis final : public plugin::Resolver {
 public:
  explicit Redis(RedisOptions options) : options_(std::move(options)) {}

  std::unique_ptr<plugin::ResolverInstance> Start(plugin::ResolverHost& host) const override {
    return std::make_unique<RedisInstance>(options_, host);
  }
  std::string Describe() const override {
    const auto& place = options_.server.place;
    const auto* path = std::get_if<UnixPath>(&place);
    return fmt::format(
        "redis at {}{}, key {}{}{}",
        path != nullptr ? "unix:" + path->path : std::get<HostPort>(place).ToString(),
        options_.server.tls ? " by TLS" : "", options_.before, kTokenPlace, options_.after);
  }

 private:
  const RedisOptions options_;
};

void ParsePattern(const config::Field& field, RedisOptions& options) {
  const auto pattern = field.Optional(std::string(kTokenPlace));
  const std::size_t at = pattern.find(kTokenPlace);
  if (at == std::string::npos)
    return field.Refuse({"has no place for the token", "write for example vnc:{token}"}, "");
  options.before = pattern.substr(0, at);
  options.after = pattern.substr(at + kTokenPlace.size());
}

}  // namespace

std::unique_ptr<plugin::Resolver> MakeRedis(plugin::ResolverSetup setup) {
  RedisOptions options;
  RedisSettings& server = options.server;
  server.place = setup.options["server"].Required<config::Endpoint>();
  const config::Field tls = setup.options["tls"];
  if (const auto settings = config::ParseServiceTls(tls, setup.folder); settings && tls.sound()) {
    auto context = tls::ClientContext::Make(*settings);
    if (context) {
      server.tls = std::move(*context);
    } else {
      for (const auto& error : context.error()) tls.ErrorAt(error.mark, error.message);
    }
  }
  server.username = setup.options["username"].Optional(std::string());
  const config::Field password = setup.options["password"];
  server.password = password.Optional(std::string());
  if (!server.username.empty() && server.password.empty() && password.sound())
    password.Error("missing; a username needs one");
  server.database = setup.options["database"].Optional(server.database, {0, kMostDatabases});
  ParsePattern(setup.options["pattern"], options);
  setup.options.RejectUnknownKeys();
  return std::make_unique<Redis>(std::move(options));
}

}  // namespace upgate::plugins
