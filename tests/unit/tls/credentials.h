#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"

namespace upgate::tls::test {

enum class KeyKind { kEcdsa, kRsa };

struct CertificateSpec {
  std::vector<std::string> names = {"localhost"};  // in the subjectAltName; none: no such extension
  std::string common_name = "unit test";
  KeyKind key = KeyKind::kEcdsa;
  int first_day = -1;  // of validity, relative to today
  int last_day = 1;
};

struct Pem {
  std::string certificate;
  std::string key;
};

// A test certificate authority.
class Authority {
 public:
  explicit Authority(const std::string& name = "test authority");
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  const std::string& pem() const { return pem_; }
  Pem Issue(const CertificateSpec& spec) const;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
  std::string pem_;
};

// The key in PEM, encrypted with a passphrase.
std::string Encrypted(const std::string& key_pem);

// A temporary folder.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Writes a new file; returns it with the mark of its configuration key.
  config::FilePath Write(std::string_view content, std::string key = "cert");
  config::Certificate Write(const Pem& pem);

 private:
  std::string path_;
  int files_ = 0;
};

}  // namespace upgate::tls::test
