# What a Ruby application has of the gem patient_http-sidekiq, as far as the tests need it: the two
# worker classes. Loaded by Debian's Sidekiq (sidekiq -r), and by drive_sidekiq.rb.
#
# The request worker only stands for its name: patient-http takes its jobs. The callback worker reads
# a result as the gem does (payload store, encryption, body) and notes what it saw.

require "sidekiq"
require "active_support"
require "active_support/key_generator"
require "active_support/message_encryptor"
require "base64"
require "json"
require "stringio"
require "zlib"

Sidekiq.configure_server { |config| config.redis = { url: ENV.fetch("REDIS_URL") } }
Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch("REDIS_URL") } }

module PatientHttp
  # Data that is kept in a folder: "<folder>/<key>.json". As in the gem, the callback worker removes
  # it after its first try.
  module FileStore
    def self.folder = ENV.fetch("PAYLOAD_FOLDER")

    def self.fetch(reference)
      raise "unknown store #{reference["store"]}" unless reference["store"] == "files"
      JSON.parse(File.read(File.join(folder, "#{reference["key"]}.json")))
    end

    def self.delete(reference) = File.delete(File.join(folder, "#{reference["key"]}.json"))
  end

  module Encryption
    def self.encryptor
      key = ActiveSupport::KeyGenerator.new(ENV.fetch("ENCRYPTION_KEY"), iterations: 65_536)
                                       .generate_key("patient_http_payload_encryption", 32)
      ActiveSupport::MessageEncryptor.new(key, cipher: "aes-256-gcm")
    end

    def self.encrypt(data)
      message = encryptor.encrypt_and_sign(JSON.generate(data))
      { "__encrypted__" => true, "value" => Base64.strict_encode64(message) }
    end

    def self.decrypt(envelope)
      JSON.parse(encryptor.decrypt_and_verify(Base64.strict_decode64(envelope["value"])))
    end
  end

  def self.open(data)
    data = FileStore.fetch(data["$ref"]) if data.is_a?(Hash) && data.key?("$ref")
    data = Encryption.decrypt(data) if data.is_a?(Hash) && data.key?("__encrypted__")
    data
  end

  # The bytes of a body, in the encoding that its charset names.
  def self.body_of(payload)
    return nil unless payload
    bytes = case payload["encoding"]
            when "text" then payload["value"].dup
            when "binary" then Base64.decode64(payload["value"])
            when "gzipped" then Zlib::GzipReader.new(StringIO.new(Base64.decode64(payload["value"]))).read
            else raise "unknown encoding #{payload["encoding"]}"
            end
    bytes.force_encoding(Encoding.find(payload["charset"]))
  end

  module Sidekiq
    class RequestWorker
      include ::Sidekiq::Worker
      def perform(*) = raise("a Ruby process took a request that was meant for patient-http")
    end

    class CallbackWorker
      include ::Sidekiq::Worker

      def perform(data, type, callback)
        result = PatientHttp.open(data)
        raise "this callback always fails" if callback == "FailingCallback"
        note = { "callback" => callback, "type" => type, "jid" => jid, "result" => result }
        response = result["response"] || (type == "response" ? result : nil)
        if response && (body = PatientHttp.body_of(response["body"]))
          note["body_hex"] = body.b.unpack1("H*")
          note["body_encoding"] = body.encoding.name
          note["body_valid"] = body.valid_encoding?
        end
        ::Sidekiq.redis { |redis| redis.rpush("interop:results", JSON.generate(note)) }
      ensure
        FileStore.delete(data["$ref"]) if data.is_a?(Hash) && data.key?("$ref")
      end
    end
  end
end

# A job of the application itself, in the same queue as the requests where a test shares it.
class OrdinaryJob
  include Sidekiq::Worker
  def perform(number) = Sidekiq.redis { |redis| redis.rpush("interop:ordinary", number.to_s) }
end
