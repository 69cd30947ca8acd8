#pragma once

#include <memory>
#include <thread>

#include "gateway/base/fd.h"
#include "gateway/base/result.h"
#include "gateway/io/stream.h"
#include "gateway/net/loop.h"

namespace upgate::app {

// Standard input and output as one stream of a loop, whatever they are: files, pipes, terminals.
// Two threads copy between them and a socket pair, because not all of them can be polled. Bytes
// wait in the socket pair only, so a slow reader of standard output slows down the writer of the
// stream.
class StandardIo {
 public:
  // The stream belongs to the caller. Call once.
  Result<std::unique_ptr<io::ByteStream>> Open(net::Loop& loop);

  // After the stream has been destroyed or shut down: waits until everything that was written to it
  // is in standard output, or its reader has gone. The thread that reads standard input may go on
  // blocking, so the process must end with _Exit.
  void Finish();

  ~StandardIo();

 private:
  UniqueFd inner_;
  std::thread output_;
};

}  // namespace upgate::app
