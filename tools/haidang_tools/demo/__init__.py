"""The city in small: real brokers, gateway, nodes on virtual boards, camera, stand-in centre."""
