#include "gateway/config/sections.h"

namespace upgate::config {

FilePath ParseFilePath(const Field& field, const std::filesystem::path& folder) {
  const auto name = field.Required<FileName>();
  if (name.path.empty()) return {"", field.mark(), field.key()};
  return {(folder / name.path).lexically_normal().string(), field.mark(), field.key()};
}

Certificate ParseCertificate(Field field, const std::filesystem::path& folder) {
  Certificate certificate;
  certificate.cert = ParseFilePath(field["cert"], folder);
  certificate.key = ParseFilePath(field["key"], folder);
  field.RejectUnknownKeys();
  return certificate;
}

}  // namespace upgate::config
