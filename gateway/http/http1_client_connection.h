#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gateway/http/client_connection.h"
#include "gateway/http/request_writer.h"
#include "gateway/http/response_parser.h"
#include "gateway/io/later.h"

namespace upgate::http {

// ClientConnection over a ByteStream. Bytes run through the parser as far as the handler wants
// them; the rest of a read waits in `kept_`, and the stream is not read from meanwhile. Everything
// that the handler is told comes from the stream or from OnLater; calls that it makes meanwhile
// only change the state, which whoever is at work sees when they return.
class Http1ClientConnection final : public ClientConnection, io::StreamHandler, io::Later {
 public:
  Http1ClientConnection(std::unique_ptr<io::ByteStream> stream, io::Loop loop,
                        const ClientLimits& limits, Owner& owner);

  void Begin();

  // ClientConnection:
  void Send(const OutgoingRequest& request, ResponseHandler& handler) override;
  void SendBody(Bytes bytes) override;
  void EndBody(const Headers& trailers) override;
  bool congested() const override { return state_ == State::kBusy && stream_->congested(); }
  std::size_t held_bytes() const override {
    return charge_.bytes() + (stream_ ? stream_->held_bytes() : 0);
  }
  void SetBodyReading(bool on) override;
  void Abandon() override;
  bool reusable() const override { return state_ == State::kIdle; }
  bool HasUnread() const override { return stream_->HasUnread(); }

 private:
  enum class State : std::uint8_t {
    kIdle,     // takes a request
    kBusy,     // has one
    kFailing,  // `failure_` is still to be told
    kOver,     // of no use any more; calls nobody
  };

  // io::StreamHandler:
  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnDrained() override;
  // io::Later:
  void OnLater() override;

  // Whether the handler takes what the parser finds next.
  bool WantsInput() const;
  // Nothing that came is left to tell.
  bool starved() const { return kept_.empty() && !parser_.at_end(); }
  Bytes kept() const { return AsBytes(kept_).subspan(kept_start_); }
  // Parses and delivers until the input is used up or nobody wants more; keeps the rest.
  void Run(Bytes input);
  bool Step();
  void Keep();
  void DropKept();
  // Brings reading in line with the state, and tells that the stream broke once that is due.
  void Settle();

  void DeliverHead(ResponseHead& head);
  void Complete(const Headers& trailers);
  void HandOver(const Response& head);
  void LoseIdle();
  void FailLater(Error error);
  void FailNow(const Error& error);
  // Of no use from here on: lets go of the stream's events.
  void Retire();

  std::unique_ptr<io::ByteStream> stream_;  // nullptr once handed over
  io::Loop loop_;
  Owner& owner_;
  ResponseParser parser_;
  RequestWriter writer_;
  ResponseHandler* handler_ = nullptr;  // while busy or failing

  State state_ = State::kIdle;
  bool running_ = false;
  bool request_sent_ = false;    // whole
  bool touched_ = false;         // bytes of an answer came
  bool head_done_ = false;       // the final one was delivered
  bool body_reading_ = true;     // always when an answer is complete, so for the next one, too
  std::optional<Error> broken_;  // how the stream broke
  Error failure_;
  Bytes input_;                 // what Run has not consumed yet
  std::string kept_;            // what it left behind: a part of one read
  std::size_t kept_start_ = 0;  // what of it is consumed
  io::MemoryCharge charge_;     // of kept_
};

}  // namespace upgate::http
