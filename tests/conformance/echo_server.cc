#include "tests/conformance/echo_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

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

TestServer::TestServer(Make make) : make_(std::move(make)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, any, size) != 0 || ::listen(listener_, 1024) != 0 ||
      ::getsockname(listener_, any, &size) != 0 || ::pipe(stop_) != 0) {
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
}

void TestServer::Serve() {
  // Reading stops while more than this waits to be sent.
  constexpr std::size_t kMostQueued = 1 << 20;
  std::vector<Connection> connections;
  for (;;) {
    std::vector<pollfd> polled{{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Connection& c : connections) {
      const bool reads = !c.peer_ended && c.out.size() - c.sent < kMostQueued;
      polled.push_back(
          {c.fd, static_cast<short>((reads ? POLLIN : 0) | (c.pending() ? POLLOUT : 0)), 0});
    }
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) break;
    if (polled[0].revents != 0) break;
    for (std::size_t i = connections.size(); i-- > 0;) {
      Connection& c = connections[i];
      const short events = polled[i + 2].revents;
      bool lives = (events & (POLLERR | POLLNVAL)) == 0;
      if (lives && (events & POLLOUT) != 0) lives = c.Write();
      if (lives && (events & (POLLIN | POLLHUP)) != 0) lives = c.Read();
      if (lives) continue;
      ::close(c.fd);
      connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (polled[1].revents == 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections.push_back({fd, make_()});
  }
  for (const Connection& c : connections) ::close(c.fd);
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
