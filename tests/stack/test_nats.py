"""The embedded NATS has JetStream and loses nothing while it runs."""

import nats


async def test_a_stream_keeps_published_messages(nats_url):
    connection = await nats.connect(nats_url)
    jetstream = connection.jetstream()
    await jetstream.add_stream(name="COINS", subjects=["coins.>"])
    await jetstream.publish("coins.minted", b"7")
    info = await jetstream.stream_info("COINS")
    await connection.close()
    assert info.state.messages == 1


async def test_a_fresh_server_has_no_streams(fresh_nats_url):
    connection = await nats.connect(fresh_nats_url)
    streams = await connection.jetstream().streams_info()
    await connection.close()
    assert streams == []
