#include "tests/unit/http/client_wire.h"

#include <utility>

#include <gtest/gtest.h>

namespace upgate::http {

class ClientWire::Handler final : public ResponseHandler {
 public:
  Handler(ClientWire& wire, Told& told) : wire_(wire), told_(told) {}

  void OnInterim(const Response& head) override {
    EXPECT_FALSE(told_.head);
    told_.interims.push_back(head);
    Call(wire_.on_interim);
  }
  void OnHead(Response&& head, BodyLength length) override {
    EXPECT_FALSE(std::exchange(told_.head, std::move(head))) << "one final head";
    told_.length = length;
    told_.reading = true;
    Call(wire_.on_head);
  }
  void OnBody(Bytes bytes) override {
    EXPECT_TRUE(told_.head);
    EXPECT_FALSE(bytes.empty());
    const std::string copy(AsText(bytes));
    told_.body += copy;
    told_.reading = true;
    Call(wire_.on_body);
    EXPECT_EQ(AsText(bytes), copy) << "the bytes are valid until the call returns";
  }
  void OnBodyEnd(const Headers& trailers) override {
    EXPECT_TRUE(told_.head);
    EXPECT_FALSE(told_.over());
    told_.ended = true;
    told_.reading = false;
    told_.trailers = trailers;
    over_ = true;
    Call(wire_.on_end);
  }
  void OnReadDone() override {
    EXPECT_FALSE(told_.over());
    told_.reading = false;
  }
  void OnUpgraded(const Response& head, Upgraded upgraded) override {
    EXPECT_FALSE(told_.over() || told_.head);
    told_.upgrade_head = head;
    told_.upgraded = std::move(upgraded);
    over_ = true;
    Call(wire_.on_upgraded);
  }
  void OnRequestWritable() override {
    ++told_.drained;
    Call(wire_.on_drained);
  }
  void OnFailed(const Error& error, bool untouched) override {
    EXPECT_FALSE(told_.over());
    told_.failed = error;
    told_.reading = false;
    told_.untouched = untouched;
    over_ = true;
    Call(wire_.on_failed);
  }

 private:
  void Call(const Hook& hook) {
    EXPECT_FALSE(std::exchange(last_, over_)) << "called after the end";
    EXPECT_EQ(wire_.calls_, 0) << "called from inside a call";
    EXPECT_FALSE(wire_.abandoned_);
    if (hook) hook();
  }

  ClientWire& wire_;
  Told& told_;
  bool over_ = false;
  bool last_ = false;
};

ClientWire::ClientWire(std::size_t chunk, ClientLimits limits) : chunk_(chunk), limits_(limits) {
  auto stream = std::make_unique<WireStream>(wire_);
  stream_ = stream.get();
  connection_ = ClientConnection::Start(std::move(stream), loop_.loop(), limits_, *this);
}

ClientWire::~ClientWire() {
  Run();
  connection_.reset();
  loop_.EndTurn();
  EXPECT_EQ(0, loop_.armed());
}

void ClientWire::Send(const OutgoingRequest& request) {
  told_.push_back(std::make_unique<Told>());
  handlers_.push_back(std::make_unique<Handler>(*this, *told_.back()));
  ++calls_;
  connection_->Send(request, *handlers_.back());
  --calls_;
}

void ClientWire::SendBody(std::string_view text) {
  ++calls_;
  connection_->SendBody(AsBytes(text));
  --calls_;
}

void ClientWire::EndBody(const Headers& trailers) {
  ++calls_;
  connection_->EndBody(trailers);
  --calls_;
}

void ClientWire::SetBodyReading(bool on) {
  ++calls_;
  connection_->SetBodyReading(on);
  --calls_;
}

void ClientWire::Abort() {
  ++calls_;
  connection_->Abort();
  --calls_;
  abandoned_ = true;
}

void ClientWire::Answer(std::string_view text) {
  wire_->inbound += text;
  Run();
}

void ClientWire::Fin() {
  wire_->client_fin = true;
  Run();
}

void ClientWire::Rst() {
  wire_->break_with = Error{Errc::kReset, "connection reset by peer"};
  Run();
}

void ClientWire::Take(std::size_t bytes) {
  wire_->room = bytes;
  Run();
}

void ClientWire::Run() {
  loop_.EndTurn();
  while (!wire_->closed && stream_->Step(chunk_)) {
    EXPECT_TRUE(abandoned_ || told_.empty() || !told_.back()->reading) << "OnReadDone is missing";
    loop_.EndTurn();
  }
}

void ClientWire::Exchange(const OutgoingRequest& request, std::string_view answer) {
  Send(request);
  Answer(answer);
}

std::vector<ClientWire::Hook ClientWire::*> ClientWire::hooks() const {
  return {&ClientWire::on_interim, &ClientWire::on_head,     &ClientWire::on_body,
          &ClientWire::on_end,     &ClientWire::on_upgraded, &ClientWire::on_drained,
          &ClientWire::on_failed};
}

void ClientWire::OnIdleConnectionClosed(ClientConnection& connection) {
  EXPECT_EQ(connection_.get(), &connection);
  EXPECT_EQ(++lost_, 1) << "a connection is lost once";
  EXPECT_FALSE(connection.reusable());
  loop_.DeferDelete(std::move(connection_));
}

namespace {
OutgoingRequest Make(std::string method) {
  OutgoingRequest request;
  request.method = std::move(method);
  request.target = "/";
  request.headers.Add("Host", "a");
  return request;
}
}  // namespace

OutgoingRequest Get() {
  return Make("GET");
}

OutgoingRequest Head() {
  return Make("HEAD");
}

OutgoingRequest Post(std::optional<std::uint64_t> length) {
  OutgoingRequest request = Make("POST");
  request.has_body = true;
  request.body.bytes = length;
  return request;
}

OutgoingRequest UpgradeTo(std::string protocol) {
  OutgoingRequest request = Make("GET");
  request.upgrade = std::move(protocol);
  return request;
}

}  // namespace upgate::http
