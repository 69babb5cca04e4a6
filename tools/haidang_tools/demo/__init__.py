"""The city in small: real brokers, gateway, nodes on virtual boards, a camera and a stand-in centre."""
