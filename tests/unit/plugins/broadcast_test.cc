#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "plugins/broadcast/backlog.h"
#include "plugins/broadcast/hub.h"
#include "plugins/broadcast/lanes.h"
#include "tests/unit/plugins/plugin_fixture.h"

namespace upgate::plugins {
namespace {

using broadcast::Backlog;
using broadcast::Hub;
using broadcast::Lanes;
using plugin::Message;
using testing::ElementsAre;
using testing::IsEmpty;

// Keeps the messages, so that a test can tell whether they are shared.
class RoomSocket final : public plugin::Socket {
 public:
  explicit RoomSocket(std::string path) { request_.target.path = std::move(path); }

  const http::Request& request() const override { return request_; }
  SocketAddress client_address() const override { return IpPort{}; }
  std::string_view subprotocol() const override { return {}; }
  void Send(MessageKind kind, Bytes payload) override { Send(Message(kind, payload)); }
  void Send(const Message& message) override {
    EXPECT_FALSE(closed) << "a message after the Close";
    got.push_back(message);
  }
  void SendAll(std::span<const Message> messages) override {
    if (messages.empty()) return;
    ++writes;
    for (const Message& message : messages) Send(message);
  }
  bool congested() const override { return got.size() >= full_at; }
  void SetReading(bool on) override { reading = on; }
  void Close(std::uint16_t code, std::string_view) override {
    EXPECT_FALSE(closed) << "closed twice";
    closed = code;
  }

  std::vector<Message> got;
  int writes = 0;
  std::size_t full_at = SIZE_MAX;  // number of messages that make it congested
  std::optional<std::uint16_t> closed;
  bool reading = true;

 private:
  http::Request request_;
};

struct Client {
  explicit Client(std::string path) : socket(std::move(path)) {}

  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const Message& message : socket.got) texts.emplace_back(AsText(message.payload()));
    return texts;
  }
  void Publish(std::string payload, MessageKind kind = MessageKind::kText) {
    Deliver(*handler, kind, std::move(payload));
  }
  void Go() {
    handler->OnClose(1001);
    handler.reset();
  }

  RoomSocket socket;
  std::unique_ptr<plugin::SocketHandler> handler;
};

// Several loops of one gateway. Posted tasks run when the test says so.
class BroadcastTest : public PluginsTest {
 protected:
  void StartLoops(std::size_t count, std::string_view options = "{}") {
    service_ = Make("broadcast", options);
    ASSERT_NE(service_, nullptr) << Errors();
    for (std::size_t i = 0; i < count; ++i) {
      hosts_.push_back(std::make_unique<FakeHost>(loop_, i, count));
      hubs_.push_back(service_->Start(*hosts_.back()));
    }
  }
  Hub& hub(std::size_t i) { return static_cast<Hub&>(*hubs_[i]); }

  std::shared_ptr<Client> Join(const std::string& path = "/room", std::size_t loop = 0) {
    auto client = std::make_shared<Client>(path);
    client->handler = hubs_[loop]->OnSocket(client->socket);
    return client;
  }
  std::vector<std::shared_ptr<Client>> JoinMany(std::size_t count,
                                                const std::string& path = "/room",
                                                std::size_t loop = 0) {
    std::vector<std::shared_ptr<Client>> clients;
    for (std::size_t i = 0; i < count; ++i) clients.push_back(Join(path, loop));
    return clients;
  }

  void EndTurn() { loop_.RunUntilIdle(); }
  // Runs the first task that a loop has posted; false if there is none.
  bool RunPosted(std::size_t from) {
    auto& posted = hosts_[from]->posted;
    if (posted.empty()) return false;
    auto [to, task] = std::move(posted.front());
    posted.erase(posted.begin());
    task(*hubs_[to]);
    return true;
  }
  // Runs until no loop has anything left to do.
  void Settle() {
    for (bool more = true; more;) {
      EndTurn();
      more = false;
      for (std::size_t i = 0; i < hosts_.size(); ++i) more = RunPosted(i) || more;
    }
  }

  std::vector<std::unique_ptr<FakeHost>> hosts_;
  std::vector<std::unique_ptr<plugin::Instance>> hubs_;
};

TEST_F(BroadcastTest, MessagesGoToAllOtherClients) {
  StartLoops(1);
  auto a = Join(), b = Join(), c = Join();
  a->Publish("Hello");
  a->Publish(std::string("\0\xff", 2), MessageKind::kBinary);
  EndTurn();
  for (const auto& other : {b, c}) {
    ASSERT_EQ(other->socket.got.size(), 2U);
    EXPECT_EQ(other->socket.got[0].kind(), MessageKind::kText);
    EXPECT_EQ(other->socket.got[1].kind(), MessageKind::kBinary);
    EXPECT_THAT(other->Texts(), ElementsAre("Hello", std::string("\0\xff", 2)));
  }
  EXPECT_THAT(a->Texts(), IsEmpty());
}

TEST_F(BroadcastTest, TheSenderIsIncludedOnDemand) {
  StartLoops(1, "{to_sender: true}");
  auto a = Join(), b = Join();
  a->Publish("1");
  b->Publish("2");
  EndTurn();
  EXPECT_THAT(a->Texts(), ElementsAre("1", "2"));
  EXPECT_THAT(b->Texts(), ElementsAre("1", "2"));
}

TEST_F(BroadcastTest, EachPathIsARoomOfItsOwn) {
  StartLoops(1);
  auto a = Join("/chat/a"), other_a = Join("/chat/a"), b = Join("/chat/b"), above = Join("/chat");
  a->Publish("for a");
  b->Publish("for b");
  EndTurn();
  EXPECT_THAT(other_a->Texts(), ElementsAre("for a"));
  EXPECT_THAT(b->Texts(), IsEmpty());
  EXPECT_THAT(above->Texts(), IsEmpty());
}

TEST_F(BroadcastTest, ATurnsMessagesComeInOneWriteAndInTheSameOrderToAll) {
  StartLoops(1);
  auto a = Join(), b = Join(), c = Join(), d = Join();
  a->Publish("a1");
  b->Publish("b1");
  a->Publish("a2");
  EXPECT_THAT(c->Texts(), IsEmpty());
  EndTurn();
  EXPECT_THAT(a->Texts(), ElementsAre("b1"));
  EXPECT_THAT(b->Texts(), ElementsAre("a1", "a2"));
  for (const auto& listener : {c, d}) {
    EXPECT_THAT(listener->Texts(), ElementsAre("a1", "b1", "a2"));
    EXPECT_EQ(listener->socket.writes, 1);
  }
  // And everything is reset for the next turn.
  b->Publish("b2");
  EndTurn();
  EXPECT_THAT(a->Texts(), ElementsAre("b1", "b2"));
  EXPECT_THAT(b->Texts(), ElementsAre("a1", "a2"));
}

TEST_F(BroadcastTest, MuchIsNotGatheredUntilTheEndOfTheTurn) {
  StartLoops(1);
  auto a = Join(), b = Join();
  const std::string large(Hub::kMostGathered / 2, 'x');
  for (int i = 0; i < 5; ++i) a->Publish(large);
  EndTurn();
  EXPECT_EQ(b->socket.got.size(), 5U);
  EXPECT_EQ(b->socket.writes, 2) << "three messages, and then the later ones";
}

TEST_F(BroadcastTest, ATurnDeliversABoundedAmountAndEachRoomHasItsPart) {
  StartLoops(1);
  auto publisher = Join();
  auto crowd = JoinMany(40);
  auto other = Join("/other"), other_listener = Join("/other");
  publisher->Publish(std::string(256 * 1024, 'x'));
  other->Publish("small");
  loop_.RunTurn();
  const auto served = [&] {
    return std::ranges::count_if(crowd, [](const auto& c) { return !c->socket.got.empty(); });
  };
  const auto first = served();
  EXPECT_GT(first, 0);
  EXPECT_LT(first, 40);
  EXPECT_THAT(other_listener->Texts(), ElementsAre("small"));
  EXPECT_FALSE(publisher->socket.reading) << "until its message is delivered";
  // New clients get nothing of it, even in the place of one that leaves.
  crowd.front()->Go();
  auto late = Join();
  crowd.erase(crowd.begin());
  publisher->Publish("next");
  EndTurn();
  EXPECT_EQ(served(), 39);
  for (const auto& client : crowd) EXPECT_EQ(client->socket.got.size(), 2U);
  EXPECT_THAT(late->Texts(), ElementsAre("next"));
  EXPECT_TRUE(publisher->socket.reading);
}

TEST_F(BroadcastTest, ClientsThatJoinInATurnGetMessagesPublishedAfterwards) {
  StartLoops(1);
  auto a = Join(), b = Join();
  a->Publish("before");
  auto late = Join();
  a->Publish("after");
  EndTurn();
  EXPECT_THAT(b->Texts(), ElementsAre("before", "after"));
  EXPECT_THAT(late->Texts(), ElementsAre("after"));
}

TEST_F(BroadcastTest, WhatWasPublishedOutlivesItsPublisher) {
  StartLoops(2);
  auto a = Join(), b = Join(), there = Join("/room", 1);
  a->Publish("last words");
  a->Go();
  // The next one may have the same address.
  auto next = Join();
  Settle();
  EXPECT_THAT(b->Texts(), ElementsAre("last words"));
  EXPECT_THAT(there->Texts(), ElementsAre("last words"));
  EXPECT_THAT(next->Texts(), IsEmpty());

  auto alone = Join("/elsewhere");
  auto far = Join("/elsewhere", 1);
  alone->Publish("from an empty room");
  alone->Go();
  Settle();
  EXPECT_THAT(far->Texts(), ElementsAre("from an empty room"));
}

TEST_F(BroadcastTest, RoomsVanishWithTheirLastSubscriber) {
  StartLoops(1);
  auto a = Join("/1"), b = Join("/1"), c = Join("/2");
  EXPECT_EQ(hub(0).rooms(), 2U);
  a->Go();
  c->Publish("to nobody");
  c->handler.reset();  // disconnected without OnClose
  EndTurn();
  EXPECT_EQ(hub(0).rooms(), 1U);
  b->Publish("to nobody");
  b->Go();
  EndTurn();
  EXPECT_EQ(hub(0).rooms(), 0U);
  // A room that empties and fills within a turn is kept.
  auto d = Join("/3");
  d->Go();
  auto e = Join("/3"), f = Join("/3");
  EndTurn();
  e->Publish("x");
  EndTurn();
  EXPECT_THAT(f->Texts(), ElementsAre("x"));
}

TEST_F(BroadcastTest, LeavingFromAnyPlaceLeavesTheOthersIn) {
  StartLoops(1);
  std::mt19937 random(7);
  auto clients = JoinMany(50);
  auto publisher = Join();
  while (!clients.empty()) {
    const std::size_t leaver = random() % clients.size();
    clients[leaver]->Go();
    clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(leaver));
    const std::string text = std::to_string(clients.size());
    publisher->Publish(text);
    EndTurn();
    for (const auto& client : clients) {
      ASSERT_EQ(client->Texts().back(), text);
      ASSERT_EQ(client->socket.got.size(), 50 - clients.size());
    }
  }
}

TEST_F(BroadcastTest, MessagesWaitInOrderForASocketThatIsFull) {
  StartLoops(1);
  auto a = Join(), slow = Join(), fast = Join();
  slow->socket.full_at = 1;
  for (int i = 0; i < 5; ++i) {
    a->Publish(std::to_string(i));
    EndTurn();
  }
  EXPECT_THAT(slow->Texts(), ElementsAre("0"));
  EXPECT_THAT(fast->Texts(), ElementsAre("0", "1", "2", "3", "4"));
  // Nothing overtakes queued messages, even if the socket has room but has not reported it yet.
  slow->socket.full_at = 6;
  a->Publish("5");
  EndTurn();
  EXPECT_THAT(slow->Texts(), ElementsAre("0"));
  slow->handler->OnWritable();
  EXPECT_THAT(slow->Texts(), ElementsAre("0", "1", "2", "3", "4", "5"));
  a->Publish("6");
  EndTurn();
  EXPECT_EQ(slow->socket.got.size(), 6U);
  slow->socket.full_at = SIZE_MAX;
  slow->handler->OnWritable();
  a->Publish("7");
  EndTurn();
  EXPECT_THAT(slow->Texts(), ElementsAre("0", "1", "2", "3", "4", "5", "6", "7"));
  EXPECT_FALSE(slow->socket.closed);
  // Stored once for all.
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_EQ(slow->socket.got[i].frame().data(), fast->socket.got[i].frame().data());
}

// The size divides the queue limit, so that one more message exceeds it.
TEST_F(BroadcastTest, OverItsQueueASubscriberIsClosedAndTheOthersAreNot) {
  StartLoops(1, "{queue: 64KiB}");
  auto publisher = Join();
  auto clients = JoinMany(20);
  const std::set<std::size_t> slow{0, 5, 6, 19};
  for (const std::size_t i : slow) clients[i]->socket.full_at = 0;
  const std::string message(4096, 'm');
  for (int i = 0; i < 16; ++i) publisher->Publish(message);
  EndTurn();
  for (const auto& client : clients) EXPECT_FALSE(client->socket.closed);
  publisher->Publish(message);
  EndTurn();
  publisher->Publish("last");
  EndTurn();
  for (std::size_t i = 0; i < clients.size(); ++i) {
    RoomSocket& socket = clients[i]->socket;
    if (!slow.contains(i)) {
      EXPECT_FALSE(socket.closed);
      EXPECT_EQ(socket.got.size(), 18U);
      continue;
    }
    EXPECT_EQ(socket.closed, 1013);
    // Its queue is freed, and messages sent while it closes are not published.
    socket.full_at = SIZE_MAX;
    clients[i]->handler->OnWritable();
    clients[i]->Publish("too late");
    clients[i]->Go();
    EXPECT_THAT(socket.got, IsEmpty());
  }
  EndTurn();
  EXPECT_EQ(clients[1]->socket.got.size(), 18U);
}

TEST_F(BroadcastTest, ManySmallMessagesFillAQueueToo) {
  StartLoops(1, "{queue: 64KiB}");
  auto publisher = Join(), slow = Join();
  slow->socket.full_at = 0;
  for (int i = 0; i < 1024; ++i) publisher->Publish("");
  EndTurn();
  EXPECT_FALSE(slow->socket.closed);
  publisher->Publish("");
  EndTurn();
  EXPECT_EQ(slow->socket.closed, 1013);
}

TEST_F(BroadcastTest, OneMessageMayWaitHoweverLarge) {
  StartLoops(1, "{queue: 64KiB}");
  auto publisher = Join(), slow = Join();
  slow->socket.full_at = 0;
  publisher->Publish(std::string(1 << 20, 'x'));
  EndTurn();
  EXPECT_FALSE(slow->socket.closed);
  publisher->Publish("x");
  EndTurn();
  EXPECT_EQ(slow->socket.closed, 1013);
}

// A publisher that gets its own messages can itself be too slow for them, inside its own call.
TEST_F(BroadcastTest, APublisherThatIsTooSlowForItselfIsClosedToo) {
  StartLoops(1, "{to_sender: true, queue: 64KiB}");
  auto a = Join(), b = Join();
  a->socket.full_at = 0;
  for (int i = 0; i < 10; ++i) a->Publish(std::string(20'000, 'x'));
  EndTurn();
  EXPECT_EQ(a->socket.closed, 1013);
  EXPECT_EQ(b->socket.got.size(), 10U);
}

TEST_F(BroadcastTest, ClientsThatMayNotPublishAreClosed) {
  StartLoops(1, "{clients_publish: false, http_publish: true}");
  auto a = Join(), b = Join();
  a->Publish("Hello");
  a->Publish("Hello?");
  EndTurn();
  EXPECT_EQ(a->socket.closed, 1008);
  EXPECT_THAT(b->Texts(), IsEmpty());
  EXPECT_FALSE(b->socket.closed);
}

TEST_F(BroadcastTest, OtherLoopsGetTheSameMessagesInOneTaskATurn) {
  StartLoops(3);
  auto a = Join(), near = Join(), b = Join("/other"), other = Join("/other", 1);
  auto far = Join("/room", 1), farther = Join("/room", 2);
  a->Publish("1");
  b->Publish("2");
  a->Publish("3");
  EndTurn();
  EXPECT_EQ(hosts_[0]->posted.size(), 2U);
  EXPECT_THAT(near->Texts(), ElementsAre("1", "3"));
  EXPECT_THAT(far->Texts(), IsEmpty());
  Settle();
  EXPECT_THAT(other->Texts(), ElementsAre("2"));
  for (const auto& there : {far, farther}) {
    EXPECT_THAT(there->Texts(), ElementsAre("1", "3"));
    EXPECT_EQ(there->socket.writes, 1);
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_EQ(there->socket.got[i].frame().data(), near->socket.got[i].frame().data());
  }
  EXPECT_THAT(a->Texts(), IsEmpty());
}

TEST_F(BroadcastTest, AMessageForARoomThatIsGoneOnAnotherLoopIsDropped) {
  StartLoops(2);
  auto a = Join(), far = Join("/room", 1);
  a->Publish("x");
  EndTurn();
  far->Go();
  Settle();
  EXPECT_EQ(hub(1).rooms(), 0U);
  EXPECT_THAT(far->Texts(), IsEmpty());
}

TEST_F(BroadcastTest, PublishersWaitForALoopThatCannotKeepUp) {
  StartLoops(3);
  auto a = Join(), b = Join(), listener = Join(), far = Join("/room", 1),
       farther = Join("/room", 2);
  const std::string message(16 * 1024, 'x');
  std::size_t published = 0;
  for (; a->socket.reading; ++published) {
    ASSERT_LE(published, Lanes::kHighMark / message.size() + 1);
    a->Publish(message);
    EndTurn();
  }
  EXPECT_GE(published, Lanes::kHighMark / message.size());
  b->Publish("one more");
  EXPECT_FALSE(b->socket.reading);
  EXPECT_TRUE(listener->socket.reading);
  EXPECT_TRUE(far->socket.reading);
  EndTurn();
  // One of the two loops delivers; that is not enough.
  auto& posted = hosts_[0]->posted;
  const auto late =
      std::ranges::stable_partition(posted, [](const auto& task) { return task.first == 1; });
  std::vector<std::pair<std::size_t, plugin::Host::Task>> held(
      std::make_move_iterator(late.begin()), std::make_move_iterator(late.end()));
  posted.erase(late.begin(), late.end());
  Settle();
  EXPECT_EQ(far->socket.got.size(), published + 1);
  EXPECT_FALSE(a->socket.reading);
  posted = std::move(held);
  // The other one does: they continue at the low watermark, and not before.
  while (!a->socket.reading) {
    const std::size_t undelivered = (published - farther->socket.got.size()) * message.size();
    ASSERT_GT(undelivered + Lanes::kUnreported + message.size(), Lanes::kLowMark);
    ASSERT_TRUE(RunPosted(0)) << "stuck";
    EndTurn();
    while (RunPosted(2)) EndTurn();
  }
  EXPECT_FALSE(posted.empty());
  EXPECT_TRUE(b->socket.reading);
  Settle();
  EXPECT_EQ(farther->socket.got.size(), published + 1);
}

TEST_F(BroadcastTest, APublisherMayGoOrBeClosedWhileItWaits) {
  StartLoops(2, "{queue: 64KiB}");
  auto a = Join(), b = Join(), c = Join(), far = Join("/room", 1);
  const std::string message(256 * 1024, 'x');
  while (a->socket.reading) a->Publish(message);
  b->Publish("x");
  c->Publish("x");
  ASSERT_FALSE(b->socket.reading || c->socket.reading);
  a->Go();
  // Its client must be read again: it answers the Close.
  b->socket.full_at = 0;
  auto publisher = Join();
  publisher->Publish(message);
  publisher->Publish(message);
  EndTurn();
  EXPECT_EQ(b->socket.closed, 1013);
  EXPECT_TRUE(b->socket.reading);
  EXPECT_FALSE(c->socket.reading);
  b->Go();
  Settle();
  EXPECT_TRUE(c->socket.reading);
  EXPECT_FALSE(a->socket.reading) << "called after it was destroyed";
}

// In any order in which the loops run, everybody gets everything, each publisher's messages in
// order, nobody waits for ever, and messages in flight stay within limits.
TEST_F(BroadcastTest, LoopsThatRunAtRandomNeverStickAndNeverReorder) {
  constexpr std::size_t kLoops = 3;
  constexpr std::size_t kMessages = 4000;
  StartLoops(kLoops);
  std::mt19937 random(11);
  std::vector<std::shared_ptr<Client>> publishers;
  std::vector<std::shared_ptr<Client>> listeners;
  for (std::size_t i = 0; i < kLoops; ++i) {
    for (int k = 0; k < 2; ++k) publishers.push_back(Join("/room", i));
    listeners.push_back(Join("/room", i));
  }
  std::vector<std::size_t> next(publishers.size());
  std::size_t published = 0;
  std::size_t waits = 0;
  while (published < kMessages) {
    const std::size_t who = random() % publishers.size();
    if (publishers[who]->socket.reading) {
      std::string message = std::to_string(who) + ":" + std::to_string(next[who]++) + ":";
      message.resize(random() % 8 == 0 ? 100'000 : 2'000);
      publishers[who]->Publish(std::move(message));
      ++published;
      waits += publishers[who]->socket.reading ? 0 : 1;
    }
    if (random() % 8 == 0) EndTurn();
    // Slow enough to reach the watermarks, and never idle for long.
    const bool all_wait =
        std::ranges::none_of(publishers, [](const auto& p) { return p->socket.reading; });
    if (all_wait || random() % 16 == 0) RunPosted(random() % kLoops);
    if (all_wait) EndTurn();
  }
  EXPECT_GT(waits, 10U);
  Settle();
  for (const auto& publisher : publishers) EXPECT_TRUE(publisher->socket.reading);
  for (const auto& listener : listeners) {
    ASSERT_EQ(listener->socket.got.size(), kMessages);
    std::vector<std::size_t> expected(publishers.size());
    for (const Message& message : listener->socket.got) {
      const std::string text(AsText(message.payload()));
      const std::size_t who = std::stoul(text);
      ASSERT_EQ(std::stoul(text.substr(text.find(':') + 1)), expected[who]++);
    }
  }
}

TEST_F(BroadcastTest, OptionsAreChecked) {
  EXPECT_NE(Make("broadcast",
                 "{to_sender: true, queue: 64MiB, http_publish: true, clients_publish: false}"),
            nullptr)
      << Errors();
  EXPECT_EQ(Make("broadcast", "{queue: 63KiB}"), nullptr);
  EXPECT_EQ(Make("broadcast", "{queue: 65MiB}"), nullptr);
  EXPECT_EQ(Make("broadcast", "{que: 1MiB}"), nullptr);
  EXPECT_EQ(Make("broadcast", "{clients_publish: false}"), nullptr);
  std::vector<std::string> keys;
  for (const auto& error : errors_) keys.push_back(error.key);
  EXPECT_THAT(keys, ElementsAre("options.queue", "options.queue", "options.que",
                                "options.clients_publish"));
}

class HttpPublishTest : public BroadcastTest {
 protected:
  // Sends a request in pieces and returns the response.
  http::Response Request(const std::string& method, const std::string& type,
                         const std::vector<std::string>& body, const std::string& path = "/room") {
    FakeExchange exchange(method, path);
    if (!type.empty()) exchange.editable_request().headers.Add("Content-Type", type);
    const auto handler = hubs_[0]->OnRequest(exchange);
    if (handler) {
      for (const std::string& piece : body) {
        if (!exchange.ended) handler->OnBody(AsBytes(piece));
      }
      if (!exchange.ended) handler->OnBodyEnd({});
    }
    EXPECT_TRUE(exchange.ended) << "not answered";
    return exchange.response.value_or(http::Response{});
  }
};

TEST_F(HttpPublishTest, IsOffUnlessAskedFor) {
  EXPECT_FALSE(Make("broadcast")->serves_http());
  EXPECT_TRUE(Make("broadcast")->serves_websocket());
  EXPECT_TRUE(Make("broadcast", "{http_publish: true}")->serves_http());
}

TEST_F(HttpPublishTest, PostPublishesItsBodyToAll) {
  StartLoops(2, "{http_publish: true}");
  auto near = Join(), far = Join("/room", 1), other = Join("/other");
  EXPECT_EQ(Request("POST", "text/plain; charset=utf-8", {"Hel", "lo"}).status, 204);
  EXPECT_EQ(Request("POST", "Application/JSON", {"{}"}).status, 204);
  EXPECT_EQ(Request("POST", "image/png", {"\xff"}).status, 204);
  EXPECT_EQ(Request("POST", "", {}).status, 204);
  Settle();
  for (const auto& client : {near, far}) {
    EXPECT_THAT(client->Texts(), ElementsAre("Hello", "{}", "\xff", ""));
    std::vector<MessageKind> kinds;
    for (const Message& message : client->socket.got) kinds.push_back(message.kind());
    EXPECT_THAT(kinds, ElementsAre(MessageKind::kText, MessageKind::kText, MessageKind::kBinary,
                                   MessageKind::kBinary));
  }
  EXPECT_THAT(other->Texts(), IsEmpty());
}

TEST_F(HttpPublishTest, ARoomWithNobodyInItOnThisLoopIsNotKept) {
  StartLoops(2, "{http_publish: true}");
  auto far = Join("/room", 1);
  EXPECT_EQ(Request("POST", "text/plain", {"x"}).status, 204);
  Settle();
  EXPECT_THAT(far->Texts(), ElementsAre("x"));
  EXPECT_EQ(hub(0).rooms(), 0U);
}

TEST_F(HttpPublishTest, TextThatIsNotUtf8Is400) {
  StartLoops(1, "{http_publish: true}");
  auto client = Join();
  EXPECT_EQ(Request("POST", "text/plain", {"\xff"}).status, 400);
  EXPECT_EQ(Request("POST", "text/plain", {"\xc3"}).status, 400);
  EXPECT_EQ(Request("POST", "text/plain", {"\xc3", "\xa4"}).status, 204);
  EndTurn();
  EXPECT_THAT(client->Texts(), ElementsAre("\xc3\xa4"));
}

TEST_F(HttpPublishTest, ABodyOverTheMessageSizeIs413) {
  route_.limits.message_size = 10;
  StartLoops(1, "{http_publish: true}");
  auto client = Join();
  EXPECT_EQ(Request("POST", "", {"01234", "56789"}).status, 204);
  EXPECT_EQ(Request("POST", "", {"01234", "567890"}).status, 413);
  EndTurn();
  EXPECT_EQ(client->socket.got.size(), 1U);
}

TEST_F(HttpPublishTest, OtherMethodsAreAnsweredWith426Or405) {
  StartLoops(1, "{http_publish: true}");
  const http::Response get = Request("GET", "", {});
  EXPECT_EQ(get.status, 426);
  EXPECT_EQ(ValueOf(get, "Upgrade"), "websocket");
  EXPECT_EQ(ValueOf(get, "Connection"), "Upgrade");
  const http::Response put = Request("PUT", "", {});
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(ValueOf(put, "Allow"), "GET, POST");
}

TEST_F(HttpPublishTest, WhenTheOtherLoopsCannotKeepUpItIs503) {
  StartLoops(2, "{http_publish: true}");
  const std::vector<std::string> body{std::string(1 << 20, 'x')};
  int status = 204;
  for (std::size_t i = 0; status == 204; ++i) {
    ASSERT_LE(i, Lanes::kHighMark / body[0].size() + 1);
    status = Request("POST", "", body).status;
  }
  EXPECT_EQ(status, 503);
  Settle();
  EXPECT_EQ(Request("POST", "", body).status, 204);
}

std::vector<Message> MessagesOf(std::size_t count, std::size_t size) {
  return std::vector<Message>(count,
                              Message(MessageKind::kBinary, AsBytes(std::string(size, 'x'))));
}

TEST(BacklogTest, GivesBackWhatItHoldsInOrderAndHoldsNoMoreThanTheLimit) {
  constexpr std::size_t kLimit = 100'000;
  const plugin::Batch many(MessagesOf(100, 600));
  const plugin::Batch one(MessagesOf(1, 40'000));
  io::MemoryLedger ledger;
  Backlog backlog(ledger);
  ASSERT_TRUE(backlog.Add(many, kLimit));
  ASSERT_TRUE(backlog.Add(one, kLimit));
  EXPECT_EQ(backlog.cost(), 100'000U);
  EXPECT_FALSE(backlog.Add(plugin::Batch(MessagesOf(1, 1)), kLimit));
  EXPECT_EQ(backlog.Take().messages().size(), 100U);
  EXPECT_EQ(backlog.Take().messages().size(), 1U);
  EXPECT_TRUE(backlog.empty());
  EXPECT_EQ(backlog.cost(), 0U);
}

TEST(BacklogTest, TakesASingleMessageOfAnySizeWhereNothingWaits) {
  io::MemoryLedger ledger;
  Backlog backlog(ledger);
  EXPECT_FALSE(backlog.Add(plugin::Batch(MessagesOf(2, 600)), 1000));
  EXPECT_TRUE(backlog.Add(plugin::Batch(MessagesOf(1, 5000)), 1000));
  EXPECT_FALSE(backlog.Add(plugin::Batch(MessagesOf(1, 1)), 1000));
}

}  // namespace
}  // namespace upgate::plugins
