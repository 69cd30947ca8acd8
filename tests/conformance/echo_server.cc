#include "tests/conformance/echo_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include <openssl/evp.h>

#include "tests/conformance/deflate.h"
#include "tests/conformance/reference.h"

namespace upgate::conformance {

struct TestServer::Connection {
  int fd;
  std::unique_ptr<Conversation> conversation;
  std::string out = {};
  std::size_t sent = 0;
  bool peer_ended = false;
  bool ended = false;
  std::uint32_t watched = EPOLLIN;

  bool pending() const { return sent < out.size(); }
  // False if the connection is over.
  bool Read();
  bool Write();
};

bool TestServer::Connection::Read() {
  std::array<char, 65536> buffer;
  const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size == 0) {
    peer_ended = true;
  } else if (!ended) {
    out += conversation->OnBytes(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
  }
  return Write();
}

bool TestServer::Connection::Write() {
  while (pending()) {
    const ssize_t size =
        ::send(fd, out.data() + sent, out.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    sent += static_cast<std::size_t>(size);
  }
  out.clear();
  sent = 0;
  if (!ended && (peer_ended || conversation->done())) {
    ended = true;
    ::shutdown(fd, SHUT_WR);
  }
  return !(ended && peer_ended);
}

TestServer::TestServer(Make make)
    : make_(std::move(make)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, any, size) != 0 || ::listen(listener_, 1024) != 0 ||
      ::getsockname(listener_, any, &size) != 0 || ::pipe(stop_) != 0 || epoll_ < 0) {
    throw std::runtime_error("a test server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

TestServer::~TestServer() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
  ::close(epoll_);
}

// Level-triggered.
void TestServer::Serve() {
  std::unordered_map<int, Connection> connections;
  Watch(EPOLL_CTL_ADD, stop_[0], EPOLLIN);
  Watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  for (;;) {
    std::array<epoll_event, 64> happened;
    const int count = ::epoll_wait(epoll_, happened.data(), happened.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = happened[i].data.fd;
      if (fd == stop_[0]) {
        for (const auto& [open, connection] : connections) ::close(open);
        return;
      }
      if (fd == listener_) {
        AcceptInto(connections);
      } else if (!OnEvents(connections.at(fd), happened[i].events)) {
        connections.erase(fd);
        // Closing is not enough while another thread looks at the descriptor (IsPeer).
        Watch(EPOLL_CTL_DEL, fd, 0);
        ::close(fd);
      }
    }
  }
}

void TestServer::Watch(int operation, int fd, std::uint32_t events) const {
  epoll_event event{.events = events, .data = {.fd = fd}};
  ::epoll_ctl(epoll_, operation, fd, &event);
}

void TestServer::AcceptInto(std::unordered_map<int, Connection>& connections) {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections.emplace(fd, Connection{fd, make_()});
    Watch(EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

bool TestServer::OnEvents(Connection& c, std::uint32_t events) const {
  // Reading stops while more than this waits to be sent.
  constexpr std::size_t kMostQueued = 1 << 20;
  if ((events & EPOLLERR) != 0) return false;
  if ((events & EPOLLOUT) != 0 && !c.Write()) return false;
  if ((events & (EPOLLIN | EPOLLHUP)) != 0 && !c.Read()) return false;
  const bool reads = !c.peer_ended && c.out.size() - c.sent < kMostQueued;
  const std::uint32_t wanted = (reads ? EPOLLIN : 0u) | (c.pending() ? EPOLLOUT : 0u);
  if (wanted != std::exchange(c.watched, wanted)) Watch(EPOLL_CTL_MOD, c.fd, wanted);
  return true;
}

namespace {

class ByteEcho final : public Conversation {
 public:
  std::string OnBytes(std::string_view bytes) override { return std::string(bytes); }
};

class MessageEcho final : public Conversation {
 public:
  struct Ways {
    bool clean = false;
    bool compresses = false;
  };
  explicit MessageEcho(Ways ways) : ways_(ways) {}

  std::string OnBytes(std::string_view bytes) override {
    if (open_) return Answer(bytes);
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    open_ = true;
    const std::string early = head_.substr(end + 4);
    head_.resize(end + 4);
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
           "Upgrade\r\nSec-WebSocket-Accept: " +
           AcceptFor(head_) + "\r\n" + (ways_.compresses ? Agree() : "") + "\r\n" + Answer(early);
  }
  bool done() const override { return reference_.closed() || reference_.failed(); }

 private:
  // The response field for an offer.
  std::string Agree() {
    const auto offered = [this](std::string_view what) {
      return head_.find(what) != std::string::npos;
    };
    if (!offered("Sec-WebSocket-Extensions: permessage-deflate")) return {};
    std::string line = "Sec-WebSocket-Extensions: permessage-deflate";
    const bool fresh_in = offered("client_no_context_takeover");
    const bool fresh_out = offered("server_no_context_takeover");
    const bool small = offered("client_max_window_bits");
    if (fresh_in) line += "; client_no_context_takeover";
    if (fresh_out) line += "; server_no_context_takeover";
    if (small) line += "; client_max_window_bits=9";
    reference_.Compress(std::make_unique<Inflater>(small ? 9 : 15, !fresh_in),
                        std::make_unique<Deflater>(15, !fresh_out));
    return line + "\r\n";
  }

  std::string Answer(std::string_view bytes) {
    if (done()) return {};
    reference_.Take(bytes);
    if (ways_.clean && reference_.failed()) return {"\x88\x02\x13\x87", 4};
    return reference_.TakeAnswers();
  }

  Ways ways_;
  bool open_ = false;
  std::string head_;
  Reference reference_;
};

}  // namespace

std::unique_ptr<Conversation> EchoBytes() {
  return std::make_unique<ByteEcho>();
}
std::unique_ptr<Conversation> EchoMessages() {
  return std::make_unique<MessageEcho>(MessageEcho::Ways{});
}
std::unique_ptr<Conversation> EchoCleanMessages() {
  return std::make_unique<MessageEcho>(MessageEcho::Ways{.clean = true});
}
std::unique_ptr<Conversation> EchoCompressedMessages() {
  return std::make_unique<MessageEcho>(MessageEcho::Ways{.clean = true, .compresses = true});
}

std::string AcceptFor(std::string_view head) {
  constexpr std::string_view kName = "Sec-WebSocket-Key: ";
  const std::size_t begin = head.find(kName);
  if (begin == std::string_view::npos) return {};
  std::string text(head.substr(begin + kName.size()));
  text.resize(text.find('\r'));
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> base64;
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(length)};
}

}  // namespace upgate::conformance
