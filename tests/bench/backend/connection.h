#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/bytes.h"
#include "gateway/base/fd.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

class Server;

// One accepted connection of a server; subclasses say what is served. One read an event, one write
// an answer; while the peer does not take what is written, nothing is read.
class Connection : public Watcher {
 public:
  Connection(Server& server, UniqueFd fd);

  void OnEvents(std::uint32_t events) final;

 protected:
  // What was read; the bytes may be changed.
  virtual void OnBytes(MutableBytes bytes) = 0;
  // The socket has room again and nothing is queued; called after WantWritable too.
  virtual void OnWritable() {}

  // Writes all; keeps what the system does not take.
  void Send(Bytes bytes);
  // Writes what the system takes.
  std::size_t SendSome(Bytes bytes);
  // Whether OnWritable is called when there is room.
  void WantWritable(bool wanted);
  // Closes as soon as everything is sent.
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
