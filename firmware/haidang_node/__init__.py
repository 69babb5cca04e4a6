"""The application of a Haidang node: one program for smoke, flood and footfall sensors."""
