#pragma once

#include <string>

namespace patient_http::test {

// A throw-away CA and a certificate that it issued for localhost, 127.0.0.1 and ::1, made when
// first asked for, in a folder that goes with the process.
struct TestCertificate {
  std::string ca_file;           // PEM
  std::string certificate_file;  // PEM
  std::string key_file;          // PEM

  // The certificate of this process.
  [[nodiscard]] static const TestCertificate& get();
  // One that is for another host ("wrong.example"), by the same CA.
  [[nodiscard]] static const TestCertificate& for_wrong_host();
  // By the same CA, for the right hosts: until an hour ago, and from an hour hence.
  [[nodiscard]] static const TestCertificate& expired();
  [[nodiscard]] static const TestCertificate& not_yet_valid();
  // For a client whose name is "client".
  [[nodiscard]] static const TestCertificate& for_client();
  // A file with its key, encrypted.
  [[nodiscard]] std::string encrypted_key(const std::string& passphrase) const;
  // For the right hosts, signed by nobody but itself; the CA is the one that did not.
  [[nodiscard]] static const TestCertificate& self_signed();
};

}  // namespace patient_http::test
