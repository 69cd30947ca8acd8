#include "plugins/auth/token.h"

#include <utility>

#include <fmt/format.h>

#include "plugins/auth/places.h"
#include "plugins/auth/token_list.h"
#include "plugins/watched/watched.h"

namespace upgate::plugins {
namespace {

constexpr std::string_view kWrongToken = R"(Bearer realm="upgate", error="invalid_token")";

plugin::AuthAnswer AnswerTo(const TokenList& list, std::string_view token) {
  auto identity = list.Find(token);
  if (identity) return plugin::Allowed(std::move(identity));
  return plugin::Refused(plugin::AuthReason::kWrong, "the token is unknown", kWrongToken);
}

class TokenInstance final : public plugin::AuthInstance {
 public:
  explicit TokenInstance(const Watched<TokenList>& list) : list_(list) {}

  std::unique_ptr<io::Deletable> Check(const plugin::AuthQuestion& question,
                                       plugin::AuthReply reply) override {
    reply(AnswerTo(*list_.Get(), question.credential));
    return nullptr;
  }

 private:
  const Watched<TokenList>& list_;
};

class TokenAuth final : public plugin::AuthCheck {
 public:
  TokenAuth(std::filesystem::path file, TokenList list, FilesStamp stamp, TokenPlaces places)
      : file_(file),
        list_("token list", std::move(file), std::move(list), std::move(stamp)),
        places_(std::move(places)) {}

  std::unique_ptr<plugin::AuthInstance> Start(plugin::AuthHost& host) const override {
    list_.Watch(host.log());
    return std::make_unique<TokenInstance>(list_);
  }
  std::optional<std::string> Find(const http::Request& request, const io::TlsInfo*) const override {
    return places_.Find(request);
  }
  void Remove(http::Request& request) const override { places_.Remove(request); }
  std::string Challenge() const override { return R"(Bearer realm="upgate")"; }
  std::optional<plugin::AuthAnswer> Preview(const plugin::AuthQuestion& question,
                                            std::int64_t) const override {
    return AnswerTo(*list_.Get(), question.credential);
  }
  std::string Describe() const override {
    return fmt::format("token: {} tokens of {}, from {}", list_.Get()->size(), file_.string(),
                       places_.Describe());
  }

 private:
  const std::filesystem::path file_;
  mutable Watched<TokenList> list_;  // thread-safe
  const TokenPlaces places_;
};

}  // namespace

std::unique_ptr<plugin::AuthCheck> MakeTokenAuth(plugin::AuthSetup setup) {
  const config::Field file = setup.options["file"];
  const auto name = file.Required<config::FileName>();
  TokenPlaces places = TokenPlaces::Parse(setup.options["from"]);
  setup.options.RejectUnknownKeys();
  if (name.path.empty()) return nullptr;
  const std::filesystem::path path = setup.folder / name.path;
  FilesStamp stamp = StampOf(path);
  auto list = TokenList::Read(path);
  if (!list) {
    file.Error(list.error());
    return nullptr;
  }
  return std::make_unique<TokenAuth>(path, std::move(*list), std::move(stamp), std::move(places));
}

}  // namespace upgate::plugins
