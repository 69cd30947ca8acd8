#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/bytes.h"
#include "gateway/base/fd.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

class Server;

// An accepted connection of a server; subclasses implement the protocol. Makes one read per event
// and one write per answer, and stops reading while the peer does not accept its output.
class Connection : public Watcher {
 public:
  Connection(Server& server, UniqueFd fd);

  void OnEvents(std::uint32_t events) final;

 protected:
  // Called with received bytes, which may be modified in place.
  virtual void OnBytes(MutableBytes bytes) = 0;
  // The socket is writable and nothing is queued; also called after WantWritable.
  virtual void OnWritable() {}

  // Writes everything; queues what the kernel does not accept.
  void Send(Bytes bytes);
  // Writes as much as the kernel accepts.
  std::size_t SendSome(Bytes bytes);
  // Whether to call OnWritable when the socket is writable.
  void WantWritable(bool wanted);
  // Closes once everything is sent.
  void CloseWhenSent();
  Server& server() { return server_; }

 private:
  void Flush();
  void Read();
  void Close();
  void SetEvents();

  Server& server_;
  UniqueFd fd_;
  std::string queue_;
  std::uint32_t events_ = 0;
  bool want_writable_ = false;
  bool closing_ = false;
  bool closed_ = false;
};

}  // namespace upgate::bench
