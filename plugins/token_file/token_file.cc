#include "plugins/token_file/token_file.h"

#include <utility>

#include <fmt/format.h>

#include "plugins/token_file/source.h"

namespace upgate::plugins {
namespace {

class TokenFileInstance final : public plugin::ResolverInstance {
 public:
  explicit TokenFileInstance(TokenSource& source) : source_(source) {}

  std::unique_ptr<io::Deletable> Resolve(const plugin::Question& question,
                                         plugin::Reply reply) override {
    const auto table = source_.table();
    const std::string* target = table->Find(question.token);
    reply(target != nullptr ? plugin::Found(*target) : plugin::Unknown());
    return nullptr;
  }

 private:
  TokenSource& source_;
};

class TokenFile final : public plugin::Resolver {
 public:
  TokenFile(std::filesystem::path path, bool fold_case, TokenTable table, FilesStamp stamp)
      : path_(path), source_(std::move(path), fold_case, std::move(table), std::move(stamp)) {}

  std::unique_ptr<plugin::ResolverInstance> Start(plugin::ResolverHost& host) const override {
    source_.Watch(host.log());
    return std::make_unique<TokenFileInstance>(source_);
  }

  std::string Describe() const override {
    return fmt::format("{}: {} tokens", path_.string(), source_.table()->size());
  }

 private:
  const std::filesystem::path path_;
  mutable TokenSource source_;  // thread-safe
};

std::unique_ptr<plugin::Resolver> MakeTokens(plugin::ResolverSetup& setup, bool fold_case) {
  const config::Field file = setup.options["file"];
  const auto name = file.Required<config::FileName>();
  setup.options.RejectUnknownKeys();
  if (name.path.empty()) return nullptr;
  const std::filesystem::path path = setup.folder / name.path;
  FilesStamp stamp = StampOf(path);
  auto table = TokenTable::Read(path, fold_case);
  if (!table) {
    file.Error(table.error());
    return nullptr;
  }
  return std::make_unique<TokenFile>(path, fold_case, std::move(*table), std::move(stamp));
}

}  // namespace

std::unique_ptr<plugin::Resolver> MakeTokenFile(plugin::ResolverSetup setup) {
  return MakeTokens(setup, false);
}

std::unique_ptr<plugin::Resolver> MakeTokenFileOfHosts(plugin::ResolverSetup setup) {
  return MakeTokens(setup, true);
}

}  // namespace upgate::plugins
