#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/http/request_parser.h"
#include "gateway/http/response_writer.h"
#include "gateway/http/server_connection.h"
#include "gateway/http/server_exchange.h"

namespace upgate::http {

// ServerConnection over a ByteStream. Input is parsed as far as the state accepts it; the rest is
// kept in `pending_` (bounded), and beyond the bound reading stops. All parsing happens in Run,
// which is not re-entered: calls from inside a handler only change the state, and the loop in Run
// sees the change.
class Http1Connection final : public ServerConnection,
                              io::StreamHandler,
                              io::Timer::Owner,
                              io::Later {
 public:
  Http1Connection(std::unique_ptr<io::ByteStream> stream, io::Loop loop,
                  const ServerOptions& options, RequestHandler& handler,
                  ServerConnection::Owner& owner);
  ~Http1Connection() override;

  void Begin();
  void Drain() override;

  // io::MemoryHolder:
  std::size_t held_bytes() const override;
  bool expendable() const override { return handler_.expendable_clients(); }
  void HoldBack(bool wait) override;
  io::MemoryRefusal Refuse() override;
  void AbortEvicted() override;

  // For the exchange. Not called once the exchange is detached.
  io::ByteStream& stream() { return *stream_; }
  ResponseWriter::Context AnswerContext(const Request& request) const;
  // Charges work to this connection's share of the turn: response bytes, or kRequestWork.
  void Spend(std::size_t work);
  std::unique_ptr<io::Deletable>& handlers_state() { return handlers_state_; }
  void OnHeadSent(int status) { handler_.OnAnswer(status); }
  void OnWritten();
  void OnAnswered(bool close);
  io::MemoryLedger& memory() { return loop_.memory; }
  // Nothing is to be allocated that is not needed.
  bool memory_is_short() const {
    const io::MemoryTotal* total = loop_.memory.total();
    return total != nullptr && total->held() > total->high_mark();
  }
  void ApplyErrorPage(const Request& request, Response& response) const {
    if (options_.error_pages) options_.error_pages->Apply(request, response);
  }
  void OnBodyReading();
  // Aborts the connection (RST).
  void Abort();
  // Ends this connection object and returns its stream.
  Upgraded HandOver();

 private:
  enum class State : std::uint8_t {
    kHead,     // between requests, or in a request head
    kBusy,     // the handler has a request
    kDiscard,  // answered; the rest of the request body is discarded
    kLinger,  // the last response is being sent; waits for the client's FIN (RFC 9112, section 9.6)
    kDone,
  };
  enum class Wait : std::uint8_t { kNothing, kIdle, kHead, kBody, kWrite, kLinger };

  // io::StreamHandler:
  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnWritable() override;
  void OnFlushed() override;
  // io::Timer::Owner:
  void OnTimer(io::Timer& timer) override;
  // io::Later:
  void OnLater() override { Advance(); }

  // Whether the state accepts input, and whether input is wanted now.
  bool TakesInput() const;
  bool WantsInput() const { return TakesInput() && !(held_back_ && state_ != State::kDiscard); }
  bool IsOverShare() const;
  // Parses and delivers until the input is used up or the state accepts no more; keeps the rest.
  void Run(Bytes input);
  bool Step();
  // Continues with pending_, unless Run is active.
  void Advance();
  // Updates reading and the timer to match the state, and closes a connection that expects nothing
  // more.
  void UpdateState();
  bool MayStillAsk() const;
  void CheckEnd();
  void UpdateTimer();
  void Arm(Wait wait);
  // The time left for the current request body; see ServerLimits::body_rate.
  void SpendBodyTime();
  void EarnBodyTime(std::size_t bytes);
  io::Millis BodyWait() const;
  void Charge();

  void BeginExchange(RequestHead&& head);
  void OfferContinue();
  void DeliverBody(Bytes bytes);
  void DeliverEnd(const Headers& trailers);
  void DropExchange();

  void RefuseRequest(const Refusal& refusal);
  void DiscardWhileLingering(std::size_t bytes);
  void Linger();
  void CheckLinger();
  void OnLingerTimer();
  // For a connection with nothing left to send or receive.
  void CloseIdle();
  // True if the write queue has made progress since the timer was armed.
  bool WriteProgressed(Wait wait) const;
  void Done();

  std::unique_ptr<io::ByteStream> stream_;
  io::Loop loop_;
  const ServerOptions& options_;
  RequestHandler& handler_;
  ServerConnection::Owner& owner_;
  io::Timer timer_;
  RequestParser parser_;

  State state_ = State::kHead;
  Wait wait_ = Wait::kNothing;
  bool running_ = false;
  bool draining_ = false;
  bool asked_ = false;             // at least one request has begun
  bool end_seen_ = false;          // the client's FIN was received
  bool flushed_ = false;           // everything including our FIN was passed to the system
  bool request_complete_ = false;  // the handler's request is complete
  bool client_keeps_alive_ = false;
  bool expects_continue_ = false;
  bool held_back_ = false;  // because memory is short
  bool moved_ = false;      // request body bytes arrived since the timer was armed
  // Left of this connection's share of the turn. Run only begins requests while it is not zero.
  std::size_t work_left_ = 0;
  std::size_t discard_left_ = 0;
  std::size_t queue_mark_ = 0;             // queued() when the timer was armed
  std::uint32_t taken_mark_ = 0;           // delivery().taken when the timer was armed for kWrite
  io::Instant last_progress_{};            // of the queue, while lingering
  Bytes input_;                            // what Run has not consumed yet
  std::string pending_;                    // unconsumed input of earlier reads
  std::size_t pending_start_ = 0;          // offset of the unconsumed bytes in pending_
  io::MemoryCharge charge_;                // of pending_, a partial head and the current request
  std::chrono::microseconds body_time_{};  // left, as of body_time_at_
  io::Instant body_time_at_{};             // valid while wait_ is kBody
  std::unique_ptr<io::Deletable> handlers_state_;  // see Exchange::connection_state
  std::unique_ptr<ServerExchange> exchange_;
};

}  // namespace upgate::http
