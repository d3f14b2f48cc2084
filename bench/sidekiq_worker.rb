# What a Sidekiq worker does without patient-http: it waits for the response in its thread. The
# side that redis_bench compares with.

require "net/http"
require "sidekiq"

class BenchWorker
  include Sidekiq::Worker
  sidekiq_options queue: "bench_requests"

  def perform(url, callback, callback_args)
    response = Net::HTTP.get_response(URI(url))
    result = {"status" => response.code.to_i, "headers" => response.each_header.to_h,
              "body" => response.body, "url" => url, "callback_args" => callback_args}
    Sidekiq::Client.push("class" => "BenchCallbackWorker", "queue" => "bench_callbacks",
                         "args" => [result, "response", callback])
  end
end

Sidekiq.configure_server do |config|
  # A line per job, or per call of an older API, would count against Sidekiq.
  config.logger.level = Logger::FATAL
  Redis.silence_deprecations = true
  Redis.sadd_returns_boolean = false
  config.on(:startup) do
    puts "waiting"
    $stdout.flush
  end
end
