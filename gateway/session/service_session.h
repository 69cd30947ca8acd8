#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gateway/http/message.h"
#include "gateway/plugin/service.h"
#include "gateway/session/endpoint.h"
#include "gateway/session/session.h"
#include "gateway/ws/message_assembler.h"

namespace upgate::session {

// A session with a service inside the gateway, which gets whole messages. On its loop's thread.
class ServiceSession final : public Session, private Endpoint::Owner, private plugin::Socket {
 public:
  // `request` is copied, for the service; `compression` as for an Endpoint. Everything else except
  // the stream is borrowed and outlives the session.
  ServiceSession(Context& context, Facts facts, std::unique_ptr<io::ByteStream> client,
                 std::unique_ptr<Compression> compression, const http::Request& request,
                 plugin::Instance& service, stats::RouteStats& stats, Session::Owner& owner);

  void Start(std::string early) override;
  void End(std::uint16_t code, std::string_view reason) override;
  void Abort() override;
  std::size_t held_bytes() const override;
  void HoldBack(bool wait) override;
  const Ending& ending() const override { return endpoint_.ending(); }
  const Totals& totals() const override { return endpoint_.totals(); }
  Vitals vitals() const override {
    return {endpoint_.last_active(), endpoint_.queued(), endpoint_.rtt_us()};
  }

 private:
  // Endpoint::Owner
  void OnPart(const ws::FramePart& part) override;
  void OnReadDone() override {}
  void OnPeerClosing(PeerEnd end, std::string_view reason) override;
  void OnPeerDrained() override;
  void OnPeerDone() override;

  // plugin::Socket
  const http::Request& request() const override { return request_; }
  SocketAddress client_address() const override { return address_; }
  std::string_view subprotocol() const override { return facts().subprotocol; }
  void Send(plugin::MessageKind kind, Bytes payload) override;
  void Send(const plugin::Message& message) override;
  void SendAll(std::span<const plugin::Message> messages) override;
  void SendBatch(const plugin::Batch& batch) override;
  void SetReading(bool on) override;
  bool congested() const override { return endpoint_.congested(); }
  void Close(std::uint16_t code, std::string_view reason) override;

  void DropInput() override;

  http::Request request_;
  SocketAddress address_;
  plugin::Instance& service_;
  Endpoint endpoint_;
  ws::MessageAssembler assembler_;
  io::MemoryCharge charge_;  // for the assembler
  bool deaf_ = false;        // all further input is dropped
  std::unique_ptr<plugin::SocketHandler> handler_;
};

}  // namespace upgate::session
