#include "plugins/jwt/jwt.h"

#include <utility>

#include <fmt/format.h>

#include "plugins/jwt/options.h"
#include "plugins/jwt/remote_keys.h"
#include "plugins/watched/watched.h"

namespace upgate::plugins {
namespace {

using plugin::AuthReason;

constexpr std::string_view kChallenge = R"(Bearer realm="upgate")";
constexpr std::size_t kShortestSecret = 32;  // RFC 7518, section 3.2: as long as the hash

// A secret in a file, for Watched.
struct SecretKey {
  KeySet keys;

  static std::expected<SecretKey, std::string> Read(const std::filesystem::path& file) {
    auto text = ReadWhole(file, KeySet::kMostBytes);
    if (!text) return std::unexpected(text.error());
    while (!text->empty() && std::string_view(" \t\r\n").contains(text->back())) text->pop_back();
    if (text->contains("-----BEGIN"))
      return std::unexpected(fmt::format(
          "{} is a key or certificate in PEM, which is no secret; public keys go in keys",
          file.string()));
    if (text->size() < kShortestSecret)
      return std::unexpected(
          fmt::format("{} has fewer than {} characters; write the output of openssl rand -hex 32",
                      file.string(), kShortestSecret));
    SecretKey key{KeySet::OfSecret(*text)};
    tls::Wipe(*text);
    return key;
  }
  void Tell(Log& log, const std::filesystem::path& file) const { keys.Tell(log, file); }
};

const KeySet& KeysOf(const KeySet& keys) {
  return keys;  // NOLINT(bugprone-return-const-ref-from-parameter)
}
const KeySet& KeysOf(const SecretKey& secret) {
  return secret.keys;
}

// Keys that a loop has from a file.
template <class Content>
class FileKeys final : public KeySource {
 public:
  explicit FileKeys(const Watched<Content>& file) : file_(file) {}
  std::shared_ptr<const KeySet> keys() const override {
    std::shared_ptr<const Content> content = file_.Get();
    const KeySet& keys = KeysOf(*content);
    return {std::move(content), &keys};
  }

 private:
  const Watched<Content>& file_;
};

// Where all loops have their keys from. Thread-safe.
class KeyOrigin {
 public:
  virtual ~KeyOrigin() = default;
  virtual std::unique_ptr<KeySource> Start(plugin::AuthHost& host) = 0;
  // Without an instance; nullptr if only that can get them.
  virtual std::shared_ptr<const KeySet> Peek() const = 0;
};

template <class Content>
class FileOrigin final : public KeyOrigin {
 public:
  FileOrigin(std::filesystem::path path, Content content, FilesStamp stamp)
      : file_("key file", std::move(path), std::move(content), std::move(stamp)) {}
  std::unique_ptr<KeySource> Start(plugin::AuthHost& host) override {
    file_.Watch(host.log());
    return std::make_unique<FileKeys<Content>>(file_);
  }
  std::shared_ptr<const KeySet> Peek() const override { return FileKeys<Content>(file_).keys(); }

 private:
  Watched<Content> file_;
};

class UrlOrigin final : public KeyOrigin {
 public:
  UrlOrigin(HttpUrl url, std::shared_ptr<tls::ClientContext> context)
      : url_(std::move(url)), context_(std::move(context)) {}
  std::unique_ptr<KeySource> Start(plugin::AuthHost& host) override {
    return std::make_unique<RemoteKeys>(keys_, url_, context_.get(), host);
  }
  std::shared_ptr<const KeySet> Peek() const override { return nullptr; }

 private:
  const HttpUrl url_;
  const std::shared_ptr<tls::ClientContext> context_;
  SharedKeys keys_;
};

plugin::AuthAnswer AnswerTo(JwtVerifier::Result result) {
  if (result) return plugin::Allowed(std::move(*result));
  const bool forbidden = result.error().reason == AuthReason::kForbidden;
  plugin::AuthAnswer answer =
      plugin::Refused(result.error().reason, std::move(result.error().why),
                      fmt::format(R"({}, error="{}")", kChallenge,
                                  forbidden ? "insufficient_scope" : "invalid_token"));
  answer.user = std::move(result.error().user);
  return answer;
}

class JwtInstance final : public plugin::AuthInstance {
 public:
  JwtInstance(const JwtRules& rules, std::unique_ptr<KeySource> keys, plugin::AuthHost& host)
      : keys_(std::move(keys)), verifier_(rules, *keys_, host.loop().timers) {}

  std::unique_ptr<io::Deletable> Check(const plugin::AuthQuestion& question,
                                       plugin::AuthReply reply) override {
    bool lacks_key = false;
    auto result = verifier_.Verify(question.credential, lacks_key);
    if (lacks_key) {
      auto waiting = std::make_unique<Waiting>(*this, question.credential, reply);
      if (keys_->Renew(*waiting)) return waiting;
    }
    reply(AnswerTo(std::move(result)));
    return nullptr;
  }

 private:
  // A token that waits for newer keys.
  class Waiting final : public io::Deletable, public KeyWaiter {
   public:
    Waiting(JwtInstance& instance, std::string_view token, plugin::AuthReply reply)
        : instance_(instance), token_(token), reply_(std::move(reply)) {}
    ~Waiting() override { instance_.keys_->Leave(*this); }

   private:
    void OnKeys() override {
      bool lacks_key = false;
      reply_(AnswerTo(instance_.verifier_.Verify(token_, lacks_key)));
    }
    JwtInstance& instance_;
    const std::string token_;
    const plugin::AuthReply reply_;
  };

  const std::unique_ptr<KeySource> keys_;
  JwtVerifier verifier_;
};

class JwtAuth final : public plugin::AuthCheck {
 public:
  JwtAuth(JwtOptions options, std::unique_ptr<KeyOrigin> keys)
      : options_(std::move(options)), keys_(std::move(keys)) {}

  std::unique_ptr<plugin::AuthInstance> Start(plugin::AuthHost& host) const override {
    return std::make_unique<JwtInstance>(options_.rules, keys_->Start(host), host);
  }
  std::optional<std::string> Find(const http::Request& request, const io::TlsInfo*) const override {
    return options_.places.Find(request);
  }
  void Remove(http::Request& request) const override { options_.places.Remove(request); }
  std::string Challenge() const override { return std::string(kChallenge); }
  std::optional<plugin::AuthAnswer> Preview(const plugin::AuthQuestion& question,
                                            std::int64_t unix_s) const override {
    const std::shared_ptr<const KeySet> keys = keys_->Peek();
    bool lacks_key = false;
    auto result =
        JwtVerifier::VerifyOnce(options_.rules, question.credential, keys.get(), unix_s, lacks_key);
    if (!keys && lacks_key) return std::nullopt;
    return AnswerTo(std::move(result));
  }
  // Longer than a request for keys.
  io::Millis timeout() const override { return io::Millis{6'000}; }
  std::string Describe() const override {
    return fmt::format("jwt: {} {}, from {}", options_.has_secret ? "by the secret in" : "keys of",
                       ShownKeys(), options_.places.Describe());
  }

 private:
  // Of a URL without the path, which may hold a key.
  std::string ShownKeys() const {
    if (options_.has_secret || !LooksLikeHttpUrl(options_.keys)) return options_.keys;
    const auto url = ReadHttpUrl(options_.keys);
    return url ? fmt::format("http{}://{}", url->is_secure ? "s" : "", url->authority) : "";
  }

  const JwtOptions options_;
  const std::unique_ptr<KeyOrigin> keys_;
};

// nullptr, with an error, if the file cannot be used.
template <class Content>
std::unique_ptr<KeyOrigin> ReadKeys(const std::filesystem::path& path, const config::Field& field) {
  FilesStamp stamp = StampOf(path);
  auto content = Content::Read(path);
  if (content)
    return std::make_unique<FileOrigin<Content>>(path, std::move(*content), std::move(stamp));
  field.Error(content.error());
  return nullptr;
}

// nullptr, with errors, if the URL cannot be used.
std::unique_ptr<KeyOrigin> UrlKeys(const std::string& text, plugin::AuthSetup& setup) {
  const config::Field field = setup.options["keys"];
  auto url = ReadHttpUrl(text);
  std::optional<config::Refusal> fault;
  if (!url) {
    fault = url.error();
  } else {
    fault = FaultOfHttpTarget(url->target);
  }
  if (fault) {
    field.Refuse(*fault, "");
    return nullptr;
  }
  auto context = ParseHttpTls(setup.options["tls"], *url, setup.folder);
  if (url->is_secure && !context) return nullptr;
  return std::make_unique<UrlOrigin>(std::move(*url), std::move(context));
}

std::unique_ptr<KeyOrigin> MakeKeys(const JwtOptions& options, plugin::AuthSetup& setup) {
  const config::Field tls = setup.options["tls"];
  if (!options.has_secret && LooksLikeHttpUrl(options.keys)) return UrlKeys(options.keys, setup);
  if (tls.present()) tls.Error("has no effect: keys is no https:// URL; remove it");
  const std::filesystem::path path = setup.folder / options.keys;
  if (options.has_secret) return ReadKeys<SecretKey>(path, setup.options["secret_file"]);
  return ReadKeys<KeySet>(path, setup.options["keys"]);
}

}  // namespace

std::unique_ptr<plugin::AuthCheck> MakeJwtAuth(plugin::AuthSetup setup) {
  JwtOptions options = ParseJwtOptions(setup.options);
  if (options.keys.empty()) return nullptr;
  auto keys = MakeKeys(options, setup);
  if (!keys) return nullptr;
  return std::make_unique<JwtAuth>(std::move(options), std::move(keys));
}

}  // namespace upgate::plugins
