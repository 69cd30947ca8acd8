#include "gateway/backend/opening.h"

#include <utility>

namespace upgate::backend {
namespace {

std::string_view MessageOf(Lack lack) {
  switch (lack) {
    case Lack::kDrained:
      return "an operator has drained every server";
    case Lack::kFull:
      return "every server has as many sessions as max_sessions allows";
    case Lack::kOut:
    case Lack::kNone:
      break;
  }
  return "every server is ejected or down";
}

}  // namespace

Pool::Opening::Opening(Pool& pool, OpenHandler& handler, Search& search,
                       std::expected<Choice, Lack> first)
    : pool_(pool),
      handler_(handler),
      search_(search),
      connecting_(pool.loop_, pool.scratch_, *this) {
  if (first) {
    Try(std::move(*first));
  } else {
    // The handler is never called from inside Open.
    lack_ = first.error();
    pool_.loop_.turn.RunLater(*this);
  }
}

void Pool::Opening::OnLater() {
  handler_.OnOpenFailed({.code = Errc::kOther,
                         .message = std::string(MessageOf(lack_)),
                         .tls_fault = TlsFault::kOther,
                         .lack = lack_,
                         .retry_after = pool_.RetryAfter(lack_)});
}

void Pool::Opening::Try(Choice choice) {
  current_ = std::move(choice);
  started_ = pool_.loop_.timers.Now();
  started_us_ = pool_.loop_.timers.Micros();
  connecting_.Start(server().config, pool_.record_->tls_context(),
                    {pool_.backend().connect_timeout, kConnectTimeout});
}

void Pool::Opening::OnServerConnected(std::unique_ptr<io::ByteStream> stream) {
  server().stats.connects.Add();
  if (pool_.watcher_ != nullptr) pool_.watcher_->OnServerUp(server().record);
  if (pool_.ConnectingIsEnough(search_)) pool_.NoteSuccess(server());
  server().stats.connect_us.Record(pool_.loop_.timers.Micros() - started_us_);
  handler_.OnOpened({std::move(stream), server(), started_, std::move(current_.use)});
}

void Pool::Opening::OnServerFailed(const Error& error) {
  if (error.code == Errc::kTimeout) server().stats.connect_timeouts.Add();
  server().stats.connect_failures.Add();
  // The gateway's own lack of resources says nothing about the server.
  if (error.code != Errc::kLimit) {
    if (pool_.watcher_ != nullptr) pool_.watcher_->OnServerDown(server().record, error);
    pool_.NoteFailure(server(), error.message);
  }
  if (!reasons_.empty()) reasons_ += "; ";
  reasons_ += server().config.url + ": " + error.message;
  search_.MarkTried(current_.server, pool_.size());
  current_ = {};
  if (pool_.MayTryAnother(search_)) {
    if (auto next = pool_.Choose(search_)) return Try(std::move(*next));
  }
  handler_.OnOpenFailed(
      {.code = error.code, .message = std::move(reasons_), .tls_fault = error.tls_fault});
}

}  // namespace upgate::backend
