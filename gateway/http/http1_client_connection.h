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

// ClientConnection over a ByteStream. Input is parsed as far as the handler accepts it; the rest of
// a read is kept in `kept_`, and the stream is not read meanwhile. The handler is only called from
// stream callbacks and OnLater. Calls that it makes from inside a callback only change the state,
// which the running code checks when the callback returns.
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
  void Abort() override;
  bool reusable() const override { return state_ == State::kIdle; }
  bool HasUnread() const override { return stream_->HasUnread(); }

 private:
  enum class State : std::uint8_t {
    kIdle,     // available for a request
    kBusy,     // a request is in progress
    kFailing,  // `failure_` has not been reported yet
    kOver,     // cannot be used any more; no callback follows
  };

  // io::StreamHandler:
  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnWritable() override;
  // io::Later:
  void OnLater() override;

  // True if the handler accepts what the parser finds next.
  bool WantsInput() const;
  // Everything received has been delivered.
  bool starved() const { return kept_.empty() && !parser_.at_end(); }
  Bytes kept() const { return AsBytes(kept_).subspan(kept_start_); }
  // Parses and delivers until the input is used up or the handler pauses; keeps the rest.
  void Run(Bytes input);
  bool Step();
  void Keep();
  void DropKept();
  // Updates stream reading to match the state, and reports a stream error once all input is
  // delivered.
  void UpdateReading();

  void DeliverHead(ResponseHead& head);
  void Complete(const Headers& trailers);
  void HandOver(const Response& head);
  void FailIdle();
  void FailLater(Error error);
  void FailNow(const Error& error);
  // Marks the connection as unusable and detaches from the stream's events.
  void DetachHandlers();

  std::unique_ptr<io::ByteStream> stream_;  // nullptr once handed over
  io::Loop loop_;
  Owner& owner_;
  ResponseParser parser_;
  RequestWriter writer_;
  ResponseHandler* handler_ = nullptr;  // while busy or failing

  State state_ = State::kIdle;
  bool running_ = false;
  bool request_sent_ = false;    // completely
  bool touched_ = false;         // bytes of a response were received
  bool head_done_ = false;       // the final head was delivered
  bool body_reading_ = true;     // always true when a response completes, so valid for the next one
  std::optional<Error> broken_;  // the stream's error
  Error failure_;
  Bytes input_;                 // what Run has not consumed yet
  std::string kept_;            // unconsumed part of one read
  std::size_t kept_start_ = 0;  // offset of the unconsumed bytes in kept_
  io::MemoryCharge charge_;     // of kept_
};

}  // namespace upgate::http
