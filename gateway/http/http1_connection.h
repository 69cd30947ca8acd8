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

// ServerConnection over a ByteStream. Bytes run through the parser as far as the state wants them;
// what it does not want yet waits in `pending_` (bounded), and past that reading stops. All work
// happens in Run, which calls made from inside a handler never enter a second time: they change the
// state, and the loop in Run sees it.
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
  void CutOff() override;

  // For the exchange. None of these is called once it is detached.
  io::ByteStream& stream() { return *stream_; }
  ResponseWriter::Context AnswerContext(const Request& request) const;
  // Counts work into this connection's share of the turn: the bytes of an answer, or kRequestWork.
  void Spend(std::size_t work);
  void OnHeadSent(int status) { handler_.OnAnswer(status); }
  void OnWritten();
  void OnAnswered(bool close);
  void OnBodyReading();
  // Breaks the connection off (RST).
  void Break();
  // Ends the connection's own life and gives away its stream.
  Upgraded HandOver();

 private:
  enum class State : std::uint8_t {
    kHead,     // between requests, or in a request head
    kBusy,     // a request is with the handler
    kDiscard,  // answered, but its body is still coming
    kLinger,   // the last answer is on its way; waits for the client's FIN (RFC 9112, section 9.6)
    kDone,
  };
  enum class Wait : std::uint8_t { kNothing, kIdle, kHead, kBody, kWrite, kLinger };

  // io::StreamHandler:
  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnDrained() override;
  void OnFlushed() override;
  // io::Timer::Owner:
  void OnTimer(io::Timer& timer) override;
  // io::Later:
  void OnLater() override { Advance(); }

  // Whether the state takes input; and whether it is to come now.
  bool TakesInput() const;
  bool WantsInput() const { return TakesInput() && !(held_back_ && state_ != State::kDiscard); }
  bool HadItsTurn() const;
  // Parses and delivers until the input is used up or nobody wants more; keeps the rest.
  void Run(Bytes input);
  bool Step();
  // Goes on with what was kept, unless Run is at work already.
  void Advance();
  // Brings reading and the timer in line with the state, and ends what has nothing more to come.
  void Settle();
  void SettleEnd();
  void SettleTimer();
  void Arm(Wait wait);
  // The time that the body in progress still has to bring more; see ServerLimits::body_rate.
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
  void SettleLinger();
  void OnLingerTimer();
  // For a connection that owes nobody anything.
  void CloseIdle();
  // True when the client took something of the queue since the last look.
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
  bool end_seen_ = false;          // the client's FIN
  bool flushed_ = false;           // our FIN and all before it are on their way
  bool request_complete_ = false;  // of the request with the handler
  bool client_keeps_alive_ = false;
  bool expects_continue_ = false;
  bool held_back_ = false;  // for want of memory
  bool moved_ = false;      // bytes of a request body came since the timer was armed
  std::size_t work_left_ =
      0;  // of this connection's share of the turn; Run begins requests with it
  std::size_t discard_left_ = 0;
  std::size_t queue_mark_ = 0;     // queued() when the timer was armed
  std::uint32_t taken_mark_ = 0;   // the same of delivery().taken, for kWrite
  io::Instant last_progress_{};    // of the queue, while lingering
  Bytes input_;                    // what Run has not consumed yet
  std::string pending_;            // what it left behind
  std::size_t pending_start_ = 0;  // what of it is consumed
  io::MemoryCharge charge_;        // of pending_, a head in the making and the request at work
  std::chrono::microseconds body_time_{};  // left, as of body_time_at_
  io::Instant body_time_at_{};             // while wait_ is kBody
  std::unique_ptr<ServerExchange> exchange_;
};

}  // namespace upgate::http
